// estuary cluster ...: what a cluster needs that others than `estuary train` start.
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/cluster/cluster_files.h"
#include "cli/commands/commands.h"
#include "cli/data/import_shown.h"
#include "cli/data/importer.h"
#include "cli/progress/format.h"
#include "common/client/replay_shards.h"
#include "common/experiment/experiment.h"
#include "common/process/status.h"

namespace estuary::cli {
namespace {

constexpr absl::Duration kPatience = absl::Minutes(10);

absl::Status Prepare(const ClusterFilesOptions& options) {
  if (options.folder.empty()) {
    return absl::InvalidArgumentError("--output=DIR is needed: where the cluster's files go");
  }
  if (options.transitions == 0) return absl::InvalidArgumentError("--transitions must be above 0");
  ESTUARY_ASSIGN_OR_RETURN(const CheckedExperiment checked, WriteClusterFiles(options));
  const v1::Experiment& experiment = checked.experiment;
  std::printf("%s: %s (%s on %s, seed %llu), %u shards, %s real transitions\n",
              options.folder.c_str(), experiment.name().c_str(),
              experiment.algorithm().name().c_str(), experiment.task().c_str(),
              static_cast<unsigned long long>(experiment.seed()), experiment.cluster().shards(),
              WithCommas(experiment.dataset().transitions()).c_str());
  return absl::OkStatus();
}

struct FillOptions {
  std::string folder;
  std::string replay;
};

absl::Status Fill(const FillOptions& options) {
  if (options.folder.empty() || options.replay.empty()) {
    return absl::InvalidArgumentError(
        "--config=DIR (of `estuary cluster prepare`) and --replay=ADDR,ADDR are needed");
  }
  ESTUARY_ASSIGN_OR_RETURN(const v1::Experiment experiment, ReadClusterExperiment(options.folder));
  ESTUARY_ASSIGN_OR_RETURN(const std::vector<std::string> shards,
                           client::ParseShards(options.replay));
  if (!experiment::UsesRealData(experiment)) {
    std::printf("%s trains on no real data: nothing to import\n", experiment.name().c_str());
    return absl::OkStatus();
  }
  return ImportShown({.path = experiment.dataset().path(),
                      .shards = shards,
                      .task = experiment.task(),
                      .transitions = experiment.dataset().transitions(),
                      .episodes_seed = EpisodesSeed(experiment),
                      .patience = kPatience});
}

}  // namespace

Command ClusterPrepareCommand() {
  return {.name = "cluster prepare",
          .arguments = "EXPERIMENT",
          .summary = "Write the files that a cluster of containers or machines is started with",
          .details =
              "experiment.textproto (effective, for estuary-learner), tables.textproto (for\n"
              "estuary-replay; table real takes what a bridge records) and, where the algorithm\n"
              "needs real data and --dataset names none, dataset.h5, made by the task's operator.\n"
              "Again with the same options it changes nothing.",
          .prepare = [](Flags& flags) -> Command::Run {
            auto options = std::make_shared<ClusterFilesOptions>();
            TrainingOptions& training = options->training;
            flags.Add("output", &options->folder, "DIR", "where the files go");
            flags.Add("name", &training.name, "NAME", "of the run (default: the experiment's)");
            flags.Add("seed", &training.seed, "N", "instead of the experiment's");
            flags.Add("dataset", &training.dataset, "FILE", "a dataset of your own");
            flags.Add("transitions", &options->transitions, "N", "rows of the one that is made");
            flags.Add("shards", &options->shards, "N", "instead of the experiment's");
            flags.Add("set", &training.settings, "TEXT",
                      "further fields of the experiment: 'budget { gradient_steps: 2000 }'");
            return [options](const std::vector<std::string>& arguments) {
              options->training.experiment_path = arguments[0];
              return Prepare(*options);
            };
          }};
}

Command ClusterFillCommand() {
  return {.name = "cluster fill",
          .arguments = "",
          .summary = "Import the dataset of a prepared cluster into its shards",
          .details =
              "Waits for the shards. A repeated import adds nothing, and an experiment without\n"
              "real data needs none.",
          .prepare = [](Flags& flags) -> Command::Run {
            auto options = std::make_shared<FillOptions>();
            flags.Add("config", &options->folder, "DIR", "made by `estuary cluster prepare`");
            flags.Add("replay", &options->replay, "ADDR,ADDR", "the shard map");
            return [options](const std::vector<std::string>&) { return Fill(*options); };
          }};
}

}  // namespace estuary::cli
