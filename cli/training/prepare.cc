#include "cli/training/prepare.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/data/importer.h"
#include "cli/recipe/recipe.h"
#include "cli/training/settings.h"
#include "common/dataset/dataset.h"
#include "common/experiment/experiment.h"
#include "common/process/files.h"
#include "common/process/status.h"

namespace estuary::cli {
namespace {

namespace fs = std::filesystem;

// What a learner leaves in the folder of a run.
constexpr const char* kTracesOfARun[] = {"run_id", "metrics.jsonl", "checkpoints",
                                         "final_policy.pb"};
// What this process puts there before a learner has begun.
constexpr const char* kBeforeARun[] = {"logs", "replay"};

absl::Status ApplyDataset(v1::Experiment& experiment, const worlds::TaskSpec& task) {
  if (!experiment::UsesRealData(experiment)) {
    experiment.clear_dataset();
    return absl::OkStatus();
  }
  const std::string& path = experiment.dataset().path();
  if (path.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("algorithm '", experiment.algorithm().name(),
                     "' trains on real data: dataset { path: ... } or --dataset must name a file"));
  }
  absl::StatusOr<dataset::Reader> reader = dataset::Reader::Open(path);
  if (absl::IsNotFound(reader.status())) {
    return absl::NotFoundError(absl::StrCat("there is no dataset '", path, "'; `",
                                            CommandThatMakes(path, experiment.task()),
                                            "` makes one, --dataset=FILE names another"));
  }
  ESTUARY_RETURN_IF_ERROR(reader.status());
  ESTUARY_RETURN_IF_ERROR(reader->CheckFits(task.name, task.observation_dim, task.action_dim));
  const uint64_t in_file = reader->info().rows;
  const v1::Dataset& wanted = experiment.dataset();
  if (wanted.has_transitions() && (wanted.transitions() == 0 || wanted.transitions() > in_file)) {
    return absl::InvalidArgumentError(absl::StrCat("dataset.transitions is ", wanted.transitions(),
                                                   "; ", path, " holds ", in_file));
  }
  const uint64_t rows = wanted.has_transitions() ? wanted.transitions() : in_file;
  ESTUARY_RETURN_IF_ERROR(
      dataset::CheckRows(*reader, RowsToCheck(in_file, rows, EpisodesSeed(experiment))));
  experiment.mutable_dataset()->set_transitions(rows);
  return absl::OkStatus();
}

absl::Status CheckScale(const v1::Experiment& experiment, const worlds::TaskSpec& task) {
  const int given = experiment.networks().observation_scale_size();
  if (given == 0 || given == task.observation_dim) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("networks.observation_scale has ", given,
                                                 " numbers, the task ", task.name, " observes ",
                                                 task.observation_dim));
}

// Removes what a process that was killed left half-written.
void RemoveHalfWritten(const std::string& folder) {
  std::error_code error;
  std::vector<fs::path> found;
  for (const auto& entry : fs::recursive_directory_iterator(folder, error)) {
    if (absl::EndsWith(entry.path().filename().string(), ".partial")) found.push_back(entry.path());
  }
  for (const fs::path& path : found) fs::remove_all(path, error);
}

absl::Status MakeRunFolder(bool resume, PreparedTraining& prepared) {
  const std::string& folder = prepared.run_dir;
  std::error_code error;
  const bool holds_run = std::any_of(
      std::begin(kTracesOfARun), std::end(kTracesOfARun),
      [&](const char* trace) { return fs::exists(absl::StrCat(folder, "/", trace), error); });
  if (holds_run && !resume) {
    return absl::AlreadyExistsError(
        absl::StrCat("'", folder, "' holds a run; --resume goes on with it, --name names another"));
  }
  if (!holds_run && resume) {
    return absl::NotFoundError(
        absl::StrCat("'", folder, "' holds no run to go on with; leave --resume out"));
  }
  prepared.resume = holds_run;
  prepared.finished = holds_run && fs::exists(folder + "/final_policy.pb", error);
  if (holds_run) {
    RemoveHalfWritten(folder);
  } else {
    for (const char* part : kBeforeARun) fs::remove_all(absl::StrCat(folder, "/", part), error);
  }
  return process::CreateDirectories(folder + "/logs");
}

}  // namespace

absl::StatusOr<CheckedExperiment> CheckExperiment(const TrainingOptions& options) {
  CheckedExperiment checked;
  v1::Experiment& experiment = checked.experiment;
  ESTUARY_ASSIGN_OR_RETURN(experiment, experiment::ReadExperiment(options.experiment_path));
  ESTUARY_RETURN_IF_ERROR(ApplySettingsText(options.settings, &experiment));
  if (!options.name.empty()) experiment.set_name(options.name);
  if (options.seed) experiment.set_seed(*options.seed);
  if (options.deterministic) experiment.set_deterministic(true);
  if (!options.dataset.empty()) {
    experiment.mutable_dataset()->set_path(fs::absolute(options.dataset).string());
  }
  // Once to know what the algorithm is, on a copy: some defaults depend on the dataset's size.
  v1::Experiment effective = experiment;
  ESTUARY_RETURN_IF_ERROR(
      process::Annotate(experiment::FillDefaults(effective), options.experiment_path));
  *experiment.mutable_algorithm() = effective.algorithm();
  ESTUARY_ASSIGN_OR_RETURN(checked.task, worlds::FindTask(experiment.task()));
  ESTUARY_RETURN_IF_ERROR(
      process::Annotate(CheckScale(experiment, checked.task), options.experiment_path));
  // The gap must fit the model before anything is started.
  ESTUARY_RETURN_IF_ERROR(process::Annotate(
      worlds::MakeWorld({.task = experiment.task(), .gap = experiment.gap()}).status(),
      options.experiment_path));
  ESTUARY_RETURN_IF_ERROR(ApplyDataset(experiment, checked.task));
  ESTUARY_RETURN_IF_ERROR(
      process::Annotate(experiment::FillDefaults(experiment), options.experiment_path));
  return checked;
}

absl::StatusOr<PreparedTraining> PrepareTraining(const TrainingOptions& options) {
  ESTUARY_ASSIGN_OR_RETURN(CheckedExperiment checked, CheckExperiment(options));
  PreparedTraining prepared{.experiment = std::move(checked.experiment),
                            .task = std::move(checked.task),
                            .run_dir = "",
                            .metrics = options.metrics};
  prepared.run_dir = absl::StrCat(options.runs, "/", prepared.experiment.name());
  ESTUARY_RETURN_IF_ERROR(MakeRunFolder(options.resume, prepared));
  return prepared;
}

}  // namespace estuary::cli
