// All that goes into one gradient step, drawn from replays and a generator or given explicitly;
// from here on both take the same path.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include "absl/status/statusor.h"
#include "learner/core/config.h"
#include "learner/core/replay/replay_storage.h"
#include "learner/core/tensor_tree.h"

namespace estuary::learner {

// Where two sources are stacked, real rows come first. What the algorithm does not use is
// undefined.
struct StepBatch {
  int64_t real_rows = 0;
  int64_t sim_rows = 0;
  // [real + sim, width], raw.
  at::Tensor rows;
  // [m real + m sim, at least 2 o + a], raw, and the standard normal noise on their scaled form,
  // [2 m, 2 o + a].
  at::Tensor discriminator_rows;
  at::Tensor discriminator_noise;
  // Standard normal, [real + sim, action].
  at::Tensor policy_noise;
  at::Tensor next_policy_noise;
  // Standard normal, [sim, N, observation], and what it is multiplied by, raw units, [observation].
  at::Tensor next_state_noise;
  at::Tensor state_std;
  // Standard normal, [real, k, action]; the last uniform in [-1, 1].
  at::Tensor cql_current_noise;
  at::Tensor cql_next_noise;
  at::Tensor cql_uniform_actions;
};

// FAILED_PRECONDITION where a replay is null or empty.
absl::StatusOr<StepBatch> DrawBatch(const LearnerConfig& config, const DeviceReplay* real,
                                    const DeviceReplay* sim, const at::Tensor& state_std,
                                    const at::Generator& generator, at::TensorOptions options);

// From the paths of update_trace.md. Errors name the path.
absl::StatusOr<StepBatch> PackBatch(const LearnerConfig& config, const TensorTree& inputs,
                                    at::TensorOptions options);

}  // namespace estuary::learner
