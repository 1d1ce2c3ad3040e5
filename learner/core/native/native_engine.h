// The native engine: gradient steps on the CPU in float32, forward and backward passes written out,
// without LibTorch but for the replays' memory.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "learner/core/engine.h"
#include "learner/core/native/scaling.h"
#include "learner/core/native/update.h"

namespace estuary::learner::native {

class NativeEngine : public Engine {
 public:
  NativeEngine(const EngineOptions& options, Scaling scaling);

  std::string name() const override { return "native"; }
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
  const EngineOptions options_;
  Scaling scaling_;
  Update update_;
  // Of Step, and of the last StepWith where its sizes are others.
  std::unique_ptr<StepMemory> memory_;
  std::unique_ptr<StepMemory> other_memory_;
  // Of the last step; null before the first.
  const StepMemory* last_ = nullptr;
  // The algorithm reads no model of the dynamics, or it was given.
  bool has_dynamics_model_;
  // Of a step that diverged.
  absl::Status failure_;
};

}  // namespace estuary::learner::native
