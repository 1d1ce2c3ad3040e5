#include "learner/gap/gap_file.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/hdf5/file.h"
#include "common/process/status.h"
#include "common/process/textproto.h"
#include "learner/core/gap_measure.h"
#include "learner/service/checkpoint_files.h"
#include "learner/service/checkpoint_store.h"
#include "learner/service/config_from_experiment.h"

namespace estuary::learner {
namespace {

struct Transitions {
  int observation_dim = 0;
  int action_dim = 0;
  std::vector<float> observation, action, next_observation;
  // The measures do not depend on these two.
  std::vector<float> reward, terminal;

  TransitionColumns columns() const {
    return {.observation = observation,
            .action = action,
            .next_observation = next_observation,
            .reward = reward,
            .terminal = terminal};
  }
};

absl::StatusOr<Transitions> ReadTransitions(const hdf5::File& file) {
  ESTUARY_ASSIGN_OR_RETURN(auto observations,
                           file.Read<float>("/observations", {hdf5::kAnySize, hdf5::kAnySize}));
  const uint64_t rows = observations.shape[0];
  ESTUARY_ASSIGN_OR_RETURN(auto actions, file.Read<float>("/actions", {rows, hdf5::kAnySize}));
  ESTUARY_ASSIGN_OR_RETURN(auto next, file.Read<float>("/next_observations", observations.shape));
  Transitions transitions;
  transitions.observation_dim = static_cast<int>(observations.shape[1]);
  transitions.action_dim = static_cast<int>(actions.shape[1]);
  transitions.observation = std::move(observations.values);
  transitions.action = std::move(actions.values);
  transitions.next_observation = std::move(next.values);
  transitions.reward.assign(rows, 0);
  transitions.terminal.assign(rows, 0);
  return transitions;
}

absl::StatusOr<std::vector<GapReadings>> Measure(const std::string& run_dir,
                                                 const v1::Experiment& experiment,
                                                 const Transitions& transitions) {
  ESTUARY_ASSIGN_OR_RETURN(
      const LearnerConfig config,
      ConfigFromExperiment(experiment, transitions.observation_dim, transitions.action_dim));
  const CheckpointStore checkpoints(run_dir + "/checkpoints", /*keep=*/0);
  std::vector<GapReadings> readings;
  for (const std::string& name : checkpoints.Names("step-")) {
    ESTUARY_ASSIGN_OR_RETURN(const Checkpoint checkpoint, checkpoints.ReadNamed(name));
    const auto engine = checkpoint.files.find(kEngineFile);
    if (engine == checkpoint.files.end()) {
      return absl::DataLossError(absl::StrCat("checkpoint ", name, " has no file ", kEngineFile));
    }
    absl::StatusOr<GapReadings> reading =
        MeasureGap(config, engine->second, transitions.columns(), experiment.seed());
    ESTUARY_RETURN_IF_ERROR(process::Annotate(reading.status(), absl::StrCat("checkpoint ", name)));
    readings.push_back(*std::move(reading));
  }
  if (readings.empty()) {
    return absl::NotFoundError(absl::StrCat("'", run_dir, "' has no checkpoints"));
  }
  std::sort(readings.begin(), readings.end(), [](const GapReadings& a, const GapReadings& b) {
    return a.gradient_steps < b.gradient_steps;
  });
  return readings;
}

// [k, n], or nothing where the algorithm has none.
absl::Status WriteMeasure(const std::vector<GapReadings>& readings,
                          std::vector<float> GapReadings::*measure, const char* dataset,
                          hdf5::File& file) {
  std::vector<float> all;
  for (const GapReadings& reading : readings) {
    all.insert(all.end(), (reading.*measure).begin(), (reading.*measure).end());
  }
  if (all.empty()) return absl::OkStatus();
  return file.Write<float>(dataset, {readings.size(), all.size() / readings.size()}, all);
}

}  // namespace

absl::Status AddGapMeasures(const std::string& run_dir, const std::string& path) {
  v1::Experiment experiment;
  ESTUARY_RETURN_IF_ERROR(process::ReadTextProto(run_dir + "/experiment.textproto", &experiment));
  ESTUARY_ASSIGN_OR_RETURN(hdf5::File file, hdf5::File::OpenForWriting(path));
  ESTUARY_ASSIGN_OR_RETURN(const Transitions transitions, ReadTransitions(file));
  ESTUARY_ASSIGN_OR_RETURN(const std::vector<GapReadings> readings,
                           Measure(run_dir, experiment, transitions));
  std::vector<uint64_t> steps;
  for (const GapReadings& reading : readings) steps.push_back(reading.gradient_steps);
  ESTUARY_RETURN_IF_ERROR(file.Write<uint64_t>("/gradient_steps", {steps.size()}, steps));
  ESTUARY_RETURN_IF_ERROR(WriteMeasure(readings, &GapReadings::u, "/u", file));
  ESTUARY_RETURN_IF_ERROR(WriteMeasure(readings, &GapReadings::log_ratio, "/log_ratio", file));
  ESTUARY_RETURN_IF_ERROR(WriteMeasure(readings, &GapReadings::q, "/q", file));
  return file.Close();
}

}  // namespace estuary::learner
