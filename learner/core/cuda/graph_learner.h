// Seeds that train side by side on one backend: their memory, the recorded step, and what a caller
// asks of one of them. Throws as LibTorch does; graph_engine.cc turns that into Status.
//
// Checks: the device itself stops a seed whose loss is not sound, before anything is updated from
// it; the host learns of it when it looks, every so many steps, so it may be told a few steps late
// what did not happen.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "learner/core/cuda/backend.h"
#include "learner/core/cuda/net_layout.h"
#include "learner/core/cuda/workspace.h"
#include "learner/core/eager/input_scaling.h"
#include "learner/core/engine.h"

namespace estuary::learner::cuda {

class GraphLearner {
 public:
  virtual ~GraphLearner() = default;

  virtual const LearnerConfig& config() const = 0;
  virtual int seeds() const = 0;
  virtual uint64_t steps_done(int seed) const = 0;
  virtual absl::Status Step(int count) = 0;
  // Of one seed alone.
  virtual absl::StatusOr<TensorTree> StepWith(const TensorTree& inputs) = 0;
  virtual absl::StatusOr<std::map<std::string, double>> Metrics(int seed) = 0;
  virtual absl::StatusOr<TensorTree> RowMetrics(int seed) = 0;
  virtual absl::StatusOr<PolicyWeights> Policy(int seed, PolicyKind kind) = 0;
  virtual absl::StatusOr<TensorTree> Parameters(int seed) = 0;
  virtual absl::Status SetParameters(int seed, const TensorTree& parameters) = 0;
  virtual absl::StatusOr<std::string> Save(int seed) = 0;
  virtual absl::Status Load(int seed, absl::string_view state) = 0;
};

// `options.precision` picks float or double. The replays of `seeds` are there and fit.
absl::StatusOr<std::shared_ptr<GraphLearner>> MakeGraphLearner(
    const EngineOptions& options, const std::vector<SeedOptions>& seeds,
    std::shared_ptr<Backend> backend, int steps_between_checks, Arithmetic arithmetic);

}  // namespace estuary::learner::cuda
