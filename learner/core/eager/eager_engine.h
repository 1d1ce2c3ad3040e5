// The eager engine: Update behind the Engine interface, with its generator, its replays and the
// errors turned into Status.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "learner/core/eager/update.h"
#include "learner/core/engine.h"

namespace estuary::learner {

class EagerEngine : public Engine {
 public:
  // Throws as LibTorch does; MakeEagerEngine does not.
  EagerEngine(const EngineOptions& options, InputScaling scaling, at::Generator generator,
              at::TensorOptions tensors);

  std::string name() const override { return "eager"; }
  const LearnerConfig& config() const override { return options_.config; }
  uint64_t steps_done() const override { return update_.steps_done(); }
  absl::Status Step(int count) override;
  absl::StatusOr<TensorTree> StepWith(const TensorTree& inputs) override;
  absl::StatusOr<std::map<std::string, double>> Metrics() override;
  absl::StatusOr<TensorTree> RowMetrics() override;
  absl::StatusOr<PolicyWeights> ExportPolicy(PolicyKind kind) override;
  absl::StatusOr<TensorTree> Parameters() override;
  absl::Status SetParameters(const TensorTree& parameters) override;
  absl::StatusOr<std::string> Save() override;
  absl::Status Load(absl::string_view state) override;

 private:
  absl::Status RunOnce(const StepBatch& batch);

  EngineOptions options_;
  at::TensorOptions tensors_;
  at::Generator generator_;
  Update update_;
  // The algorithm reads no model of the dynamics, or it was given.
  bool has_dynamics_model_;
  // Of a step that diverged.
  absl::Status failure_;
};

}  // namespace estuary::learner
