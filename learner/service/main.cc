// estuary-learner: trains a policy from the replay shards' transitions and hands its versions out.
#include "common/process/main.h"

#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "common/client/replay_shards.h"
#include "common/process/status.h"
#include "learner/service/learner_metric_families.h"
#include "learner/service/learner_process.h"
#include "learner/service/run_folder.h"
#ifdef ESTUARY_HAS_GAP
#include "learner/gap/gap_file.h"
#endif
#ifdef ESTUARY_HAS_TRACE
#include "learner/trace/update_trace.h"
#endif

ABSL_FLAG(std::string, experiment, "", "Text-format file of the experiment, see experiments/");
ABSL_FLAG(std::string, run_dir, "", "Folder for the run's results; must not hold a run yet");
ABSL_FLAG(bool, resume, false, "Go on with the run in --run_dir from its newest checkpoint");
ABSL_FLAG(
    bool, resume_if_begun, false,
    "Begin the run in --run_dir, or go on with it: for what starts the same command again and "
    "again (containers)");
ABSL_FLAG(std::string, run_id, "",
          "Names the run; default: the experiment's name and some letters");
ABSL_FLAG(std::string, replay, "", "Addresses of the replay shards, in order, with commas between");
ABSL_FLAG(std::string, listen, "127.0.0.1:5100", "Addresses to serve at, with commas between");
ABSL_FLAG(std::string, metrics, "", "Where to serve Prometheus metrics, as 127.0.0.1:9100");
ABSL_FLAG(absl::Duration, replay_timeout, absl::Seconds(60),
          "How long to wait at the start for a replay shard that does not answer");
ABSL_FLAG(std::string, replay_update, "",
          "Run one gradient step from this HDF5 file instead, see docs");
ABSL_FLAG(std::string, replay_output, "", "Where --replay_update writes what came out");
ABSL_FLAG(std::string, measure_gap, "",
          "Add to this HDF5 file of transitions what every checkpoint of --run_dir makes of them, "
          "instead of training");

namespace {

absl::Status ReplayUpdate(const std::string& input, const std::string& output) {
  if (input.empty() || output.empty()) {
    return absl::InvalidArgumentError(
        "--replay_update and --replay_output name two HDF5 files; give both");
  }
#ifdef ESTUARY_HAS_TRACE
  return estuary::learner::RunUpdateTrace(input, output);
#else
  return absl::UnimplementedError("this learner was built without HDF5: it has no --replay_update");
#endif
}

absl::Status MeasureGap(const std::string& run_dir, const std::string& path) {
  if (run_dir.empty()) return absl::InvalidArgumentError("--measure_gap needs --run_dir, a run");
#ifdef ESTUARY_HAS_GAP
  return estuary::learner::AddGapMeasures(run_dir, path);
#else
  return absl::UnimplementedError("this learner was built without HDF5: it has no --measure_gap");
#endif
}

absl::Status Run(const std::vector<std::string>&) {
  const std::string input = absl::GetFlag(FLAGS_replay_update);
  const std::string output = absl::GetFlag(FLAGS_replay_output);
  if (!input.empty() || !output.empty()) return ReplayUpdate(input, output);
  if (const std::string file = absl::GetFlag(FLAGS_measure_gap); !file.empty()) {
    return MeasureGap(absl::GetFlag(FLAGS_run_dir), file);
  }
  estuary::learner::LearnerOptions options;
  options.experiment = absl::GetFlag(FLAGS_experiment);
  options.run_dir = absl::GetFlag(FLAGS_run_dir);
  options.resume =
      absl::GetFlag(FLAGS_resume) ||
      (absl::GetFlag(FLAGS_resume_if_begun) && estuary::learner::RunFolder::Holds(options.run_dir));
  options.run_id = absl::GetFlag(FLAGS_run_id);
  options.metrics = absl::GetFlag(FLAGS_metrics);
  options.patience = absl::GetFlag(FLAGS_replay_timeout);
  options.listen = absl::StrSplit(absl::GetFlag(FLAGS_listen), ',', absl::SkipEmpty());
  absl::StatusOr<std::vector<std::string>> shards =
      estuary::client::ParseShards(absl::GetFlag(FLAGS_replay));
  if (!shards.ok()) return estuary::process::Annotate(shards.status(), "--replay");
  options.shards = *std::move(shards);
  return estuary::learner::RunLearner(options);
}

}  // namespace

int main(int argc, char** argv) {
  return estuary::process::Main(
      argc, argv,
      {.name = "estuary-learner",
       .about = "Trains a policy on the transitions that replay shards hold, and hands out its "
                "versions.",
       .part = "learner",
       .metrics = estuary::learner::kLearnerMetricFamilies},
      &Run);
}
