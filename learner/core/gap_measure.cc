#include "learner/core/gap_measure.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>

#include <exception>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "learner/core/eager/update.h"
#include "learner/core/engine_state.h"
#include "learner/core/replay/replay_storage.h"

namespace estuary::learner {
namespace {

std::vector<float> ToFloats(const at::Tensor& tensor) {
  if (!tensor.defined()) return {};
  const HostTensor host = ToHost(tensor);
  return {host.values.begin(), host.values.end()};
}

absl::StatusOr<GapReadings> Measure(const LearnerConfig& config, const EngineState& state,
                                    const DeviceReplay& transitions, uint64_t seed) {
  const at::NoGradGuard no_grad;
  const auto options = at::TensorOptions().dtype(at::kFloat);
  const at::Generator generator = at::detail::createCPUGenerator(seed);
  auto scaling = InputScaling::Restore(config, state.tensors, options);
  if (!scaling.ok()) return scaling.status();
  Update update(config, *std::move(scaling), generator, options);
  if (auto status = update.Import(state.tensors, state.steps_done); !status.ok()) return status;

  StepBatch batch;
  batch.sim_rows = transitions.size();
  batch.rows = transitions.storage().rows.narrow(0, 0, batch.sim_rows);
  batch.next_state_noise = at::randn(
      {batch.sim_rows, config.algorithm.gap_samples, config.observation_dim}, generator, options);
  batch.state_std = update.scaling().state_std();
  update.Probe(batch);
  const StepRecord& record = update.record();
  return GapReadings{.gradient_steps = state.steps_done,
                     .u = ToFloats(record.u),
                     .log_ratio = ToFloats(record.log_ratio),
                     .q = ToFloats(at::minimum(record.q.select(0, 0), record.q.select(0, 1)))};
}

}  // namespace

absl::StatusOr<GapReadings> MeasureGap(const LearnerConfig& config, absl::string_view state,
                                       const TransitionColumns& transitions, uint64_t seed) {
  if (auto status = Validate(config); !status.ok()) return status;
  if (!config.algorithm.NeedsRatio() && !config.algorithm.NeedsGap()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the algorithm '", config.algorithm.name,
                     "' does not tell the two dynamics apart; there is no gap to measure"));
  }
  const auto parsed = ParseEngineState(state);
  if (!parsed.ok()) return parsed.status();
  if (auto status = CheckAlgorithm(*parsed, config); !status.ok()) return status;
  const auto replay = DeviceReplay::Create({.name = "transitions",
                                            .observation_dim = config.observation_dim,
                                            .action_dim = config.action_dim});
  if (!replay.ok()) return replay.status();
  if (auto status = (*replay)->Append(transitions); !status.ok()) return status;
  if ((*replay)->size() == 0) return absl::InvalidArgumentError("there are no transitions");
  try {
    return Measure(config, *parsed, **replay, seed);
  } catch (const std::exception& error) {
    return absl::InternalError(
        absl::StrCat("measuring the gap failed in LibTorch: ", error.what()));
  }
}

}  // namespace estuary::learner
