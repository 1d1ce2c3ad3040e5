#include "cli/cluster/cluster_files.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/cluster/local_cluster.h"
#include "cli/data/schemas.h"
#include "cli/training/settings.h"
#include "common/experiment/experiment.h"
#include "common/process/files.h"
#include "common/process/status.h"
#include "common/process/textproto.h"
#include "worlds/dataset/columns.h"
#include "worlds/dataset/operator_dataset.h"

namespace estuary::cli {
namespace {

namespace fs = std::filesystem;

std::string ExperimentFile(const std::string& folder) { return folder + "/experiment.textproto"; }

// The dataset that the experiment shall use, made where there is none; empty where it needs none.
absl::StatusOr<std::string> EnsureDataset(const ClusterFilesOptions& options) {
  if (!options.training.dataset.empty()) return options.training.dataset;
  ESTUARY_ASSIGN_OR_RETURN(v1::Experiment experiment,
                           experiment::ReadExperiment(options.training.experiment_path));
  ESTUARY_RETURN_IF_ERROR(ApplySettingsText(options.training.settings, &experiment));
  const std::string path = options.folder + "/dataset.h5";
  experiment.mutable_dataset()->set_path(path);
  ESTUARY_RETURN_IF_ERROR(experiment::FillDefaults(experiment));
  if (!experiment::UsesRealData(experiment)) return std::string();
  std::error_code error;
  if (fs::exists(path, error)) return path;
  const uint64_t seed = options.training.seed.value_or(experiment.seed());
  ESTUARY_ASSIGN_OR_RETURN(
      const worlds::DatasetColumns columns,
      worlds::GenerateOperatorDataset(experiment.task(), options.transitions, seed));
  ESTUARY_RETURN_IF_ERROR(worlds::WriteD4rl(
      path, columns, {.task = experiment.task(), .seed = seed, .generator = "operator"}));
  return path;
}

absl::Status WriteOnce(const std::string& path, const std::string& content) {
  const absl::StatusOr<std::string> there = process::ReadFile(path);
  if (there.ok() && *there == content) return absl::OkStatus();
  if (there.ok()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "'", path,
        "' is of another experiment, and shards and runs may have begun with it; take another "
        "folder (an empty volume), or the settings that it was made with"));
  }
  return process::WriteFileAtomically(path, content);
}

}  // namespace

absl::StatusOr<CheckedExperiment> WriteClusterFiles(const ClusterFilesOptions& options) {
  ESTUARY_RETURN_IF_ERROR(process::CreateDirectories(options.folder));
  TrainingOptions training = options.training;
  ESTUARY_ASSIGN_OR_RETURN(training.dataset, EnsureDataset(options));
  if (options.shards) {
    absl::StrAppend(&training.settings, " cluster { shards: ", *options.shards, " }");
  }
  ESTUARY_ASSIGN_OR_RETURN(CheckedExperiment checked, CheckExperiment(training));
  const v1::TableConfigs tables = TablesOf(checked.experiment, RobotSchema(checked.task),
                                           SimSchema(checked.task, checked.experiment));
  ESTUARY_RETURN_IF_ERROR(
      WriteOnce(options.folder + "/tables.textproto", process::ToTextProto(tables)));
  ESTUARY_RETURN_IF_ERROR(
      WriteOnce(ExperimentFile(options.folder), process::ToTextProto(checked.experiment)));
  return checked;
}

absl::StatusOr<v1::Experiment> ReadClusterExperiment(const std::string& folder) {
  return experiment::ReadExperiment(ExperimentFile(folder));
}

}  // namespace estuary::cli
