// One gradient step of the native engine, in the order of algorithms.md. With two threads the
// independent parts run side by side: the discriminators beside policy, targets and values; then
// halves of the noisy next states; then one critic each. No sum is split between threads, so their
// number does not change the numbers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "learner/core/config.h"
#include "learner/core/native/batch.h"
#include "learner/core/native/critic_part.h"
#include "learner/core/native/discriminators.h"
#include "learner/core/native/nets.h"
#include "learner/core/native/policy_part.h"
#include "learner/core/native/value_part.h"
#include "learner/core/native/worker.h"

namespace estuary::learner::native {

// Everything with the batch's sizes: its memory, the passes, the products' code. Made once for a
// shape.
struct StepMemory {
  StepMemory(const LearnerConfig& config, const Nets& nets, const BatchShape& shape);

  Batch batch;
  std::unique_ptr<DiscriminatorTraining> discriminators;
  PolicyPart policy;
  // Null where the algorithm has no V.
  std::unique_ptr<ValuePart> value;
  CriticPart critics;
  DynamicsPass dynamics_halves[2];
  Floats noise_weights;
  // [sim][batch.dynamics_samples].
  Floats log_ratio;
  DynamicsRows dynamics;
};

class Update {
 public:
  Update(const LearnerConfig& config, uint64_t seed, int threads);

  // draw_discriminators() and draw_transitions() fill memory.batch, perhaps at the same time; both
  // may do nothing. INTERNAL as Engine::Step says.
  template <typename DrawDiscriminators, typename DrawTransitions>
  absl::Status Run(StepMemory& memory, DrawDiscriminators draw_discriminators,
                   DrawTransitions draw_transitions);

  uint64_t steps_done() const { return steps_done_; }
  void set_steps_done(uint64_t steps) { steps_done_ = steps; }
  double learning_rate() const { return learning_rate_; }
  Nets& nets() { return nets_; }
  Random& random(int stream) { return random_[stream]; }
  // Of Nets::PolicyRange.
  Floats& average() { return average_; }
  void RestartAverage();

  // Of the last step, as update_trace.md names them, in the eager engine's order.
  std::vector<std::pair<std::string, double>> Losses(const StepMemory& memory) const;

 private:
  void TrainDiscriminators(StepMemory& memory);
  void EvaluateCritics(StepMemory& memory);
  void EvaluateDynamics(StepMemory& memory);
  void ApplyGradients();
  bool Sound(const StepMemory& memory) const;
  absl::Status Diverged(const StepMemory& memory) const;

  const LearnerConfig config_;
  // One for the discriminators, one for the rest.
  Random random_[2];
  Nets nets_;
  Floats average_;
  Worker worker_;
  uint64_t steps_done_ = 0;
  double learning_rate_ = 0;
  bool discriminators_sound_ = true;
};

template <typename DrawDiscriminators, typename DrawTransitions>
absl::Status Update::Run(StepMemory& memory, DrawDiscriminators draw_discriminators,
                         DrawTransitions draw_transitions) {
  learning_rate_ = config_.optimizer.LearningRateAt(steps_done_);
  discriminators_sound_ = true;
  if (memory.discriminators != nullptr) {
    worker_.Both(
        [&] {
          draw_discriminators();
          TrainDiscriminators(memory);
        },
        [&] {
          draw_transitions();
          memory.policy.Run(config_, nets_, memory.batch);
          EvaluateCritics(memory);
        });
    if (!discriminators_sound_) return Diverged(memory);
    EvaluateDynamics(memory);
  } else {
    draw_transitions();
    worker_.Both([&] { EvaluateCritics(memory); },
                 [&] { memory.policy.Run(config_, nets_, memory.batch); });
  }
  memory.critics.SampleActions(config_, nets_, memory.batch, memory.policy.policy());
  memory.critics.ComputeLosses(config_, memory.batch, memory.dynamics);
  worker_.Both([&] { memory.critics.Differentiate(config_, 0, nets_, memory.batch); },
               [&] { memory.critics.Differentiate(config_, 1, nets_, memory.batch); });
  if (!Sound(memory)) return Diverged(memory);
  ++steps_done_;
  ApplyGradients();
  return absl::OkStatus();
}

}  // namespace estuary::learner::native
