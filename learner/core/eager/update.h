// One gradient step, in the order of algorithms.md: the nets, their optimisers and what the last
// step left to look at. Deterministic given its batch; all randomness comes in with it.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "learner/core/adam.h"
#include "learner/core/config.h"
#include "learner/core/eager/input_scaling.h"
#include "learner/core/eager/step_batch.h"
#include "learner/core/nets.h"

namespace estuary::learner {

// Tensors of the last step, kept as they are; undefined where the algorithm has none.
struct StepRecord {
  // Loss by name: a scalar, or [2] for the two critics.
  std::vector<std::pair<std::string, at::Tensor>> losses;
  // [2, rows], real rows first.
  at::Tensor q;
  // V [real].
  at::Tensor v;
  // [rows].
  at::Tensor target;
  at::Tensor log_prob;
  // [sim].
  at::Tensor u;
  at::Tensor omega;
  at::Tensor log_ratio;
  at::Tensor ratio;
  // [2 m, 2], real rows first; of the noisy training inputs.
  at::Tensor sa_logits;
  at::Tensor sas_logits;
  double learning_rate = 0;
  int64_t real_rows = 0;
};

class Update {
 public:
  Update(const LearnerConfig& config, InputScaling scaling, const at::Generator& generator,
         at::TensorOptions options);

  // INTERNAL names the step and its losses where one is not finite or beyond 1e12; then the
  // parameters that follow from it are as before.
  absl::Status Run(const StepBatch& batch);
  // u, the log ratio and Q of the batch's simulated rows into record(), without learning anything.
  void Probe(const StepBatch& batch);

  uint64_t steps_done() const { return steps_done_; }
  const StepRecord& record() const { return record_; }
  Nets& nets() { return nets_; }
  const InputScaling& scaling() const { return scaling_; }
  // Of the policy's part.
  at::Tensor average() const { return average_; }
  void RestartAverage();

  void Export(TensorTree& tree);
  absl::Status Import(const TensorTree& tree, uint64_t steps_done);

 private:
  // The critics' part of a step that is constant in every parameter.
  struct Constants {
    at::Tensor target;
    // min Q-target of the real rows' own actions, where V learns from it.
    at::Tensor value_target;
    // Of each simulated row; undefined: 1.
    at::Tensor weight;
    at::Tensor log_omega;
    // pi(.|s').
    GaussianHead next_head;
  };

  absl::Status TrainDiscriminators(const StepBatch& batch);
  void EvaluateDynamics(const StepBatch& batch, const at::Tensor& rows);
  // Puts noisy s' in the place of s' in the discriminators' inputs [sim, N, width].
  void SampleNext(const StepBatch& batch, const at::Tensor& rows, const at::Tensor& inputs);
  at::Tensor ValueLoss(const StepBatch& batch, const at::Tensor& rows, const at::Tensor& target);
  Constants EvaluateConstants(const StepBatch& batch, const at::Tensor& rows);
  at::Tensor CriticLoss(const StepBatch& batch, const at::Tensor& rows, const Constants& constants,
                        const GaussianHead& head);
  at::Tensor CqlPenalty(const StepBatch& batch, const at::Tensor& rows, const at::Tensor& q_data,
                        const GaussianHead& head, const GaussianHead& next_head);
  absl::Status CheckLosses() const;

  LearnerConfig config_;
  InputScaling scaling_;
  at::TensorOptions options_;
  RowLayout layout_;
  Nets nets_;
  Adam main_adam_;
  Adam discriminator_adam_;
  at::Tensor average_;
  // Of discriminator rows, for the last batch size seen.
  at::Tensor labels_;
  uint64_t steps_done_ = 0;
  StepRecord record_;
};

}  // namespace estuary::learner
