// The model of the real dynamics that H2O-Reverse-KL samples next states from: a Gaussian over
// s' - s given (s, a), learned by maximum likelihood from D before the first gradient step, as in
// MOPO (one net instead of an ensemble). All engines read the same one: it is parameters
// ("dynamics/0/weight") that no step changes and that a saved state carries.
//
// It sees observations as every net does (scaled), and predicts s' - s in units of D's: minus the
// mean, over the standard deviation. A tenth of D is held out; the parameters that were best on it
// are kept.
#pragma once

#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "learner/core/config.h"
#include "learner/core/engine.h"
#include "learner/core/replay/device_replay.h"
#include "learner/core/tensor_tree.h"

namespace estuary::learner {

struct DynamicsModel {
  // By the paths of update_trace.md.
  TensorTree parameters;
  // On the rows held out: minus the log likelihood a row less its constant, and the root mean
  // squared error a dimension, in standard deviations of s' - s.
  double loss = 0;
  double error = 0;
};

// Called now and then with the steps done; false ends the learning with CANCELLED.
using DynamicsModelProgress = std::function<bool(uint64_t steps)>;

// Deterministic in `seed`, on one thread and on real's device. FAILED_PRECONDITION where `real`
// holds fewer than 20 transitions.
absl::StatusOr<DynamicsModel> LearnDynamicsModel(const LearnerConfig& config,
                                                 const DeviceReplay& real, uint64_t seed,
                                                 const DynamicsModelProgress& progress);

// Gives a fresh engine its model.
absl::Status SetDynamicsModel(Engine& engine, const DynamicsModel& model);

// What Step answers where an algorithm's model was not given.
absl::Status NoDynamicsModel();

}  // namespace estuary::learner
