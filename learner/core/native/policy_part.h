// The policy's and the temperature's part of a step: actions at every row's state, their values,
// and the gradients of both losses.
#pragma once

#include <cmath>
#include <vector>

#include "learner/core/config.h"
#include "learner/core/native/aligned.h"
#include "learner/core/native/batch.h"
#include "learner/core/native/mlp.h"
#include "learner/core/native/nets.h"

namespace estuary::learner::native {

// The lesser of two values; NaN if either is one, so that it shows.
inline float Lesser(float a, float b) { return b < a || std::isnan(b) ? b : a; }

// The squashed Gaussian at the outputs of a policy pass: the arrays that all of its rows share.
PolicyRows HeadOf(const LearnerConfig& config, const Nets& nets, const MlpPass& pass,
                  const float* noise, float* action, float* log_prob);

// Planes of actions into the input rows' place for them.
void PutActions(const LearnerConfig& config, const Floats& action, int64_t plane, int rows,
                float* inputs, int64_t input_ld);

class PolicyPart {
 public:
  PolicyPart(const LearnerConfig& config, const Nets& nets, const Batch& batch);

  // Writes the gradients of the policy, its scalars and log alpha.
  void Run(const LearnerConfig& config, Nets& nets, const Batch& batch);

  double loss() const { return loss_; }
  double alpha_loss() const { return alpha_loss_; }
  double mean_log_prob() const { return mean_log_prob_; }
  // The policy at the batch's states, for CQL's sampled actions.
  const MlpPass& policy() const { return policy_; }

 private:
  // d min(Q1, Q2) / d action; each row through the lesser critic alone.
  void DifferentiateActions(const LearnerConfig& config, const Nets& nets);

  int rows_;
  MlpPass policy_;
  // [1, s, a], a ~ pi.
  Floats inputs_;
  MlpPass critics_[2];
  InputGradient input_gradient_;
  // Planes over the rows.
  Floats action_, log_prob_, action_gradient_, head_gradient_, ones_;
  // Of the rows whose lesser critic it is, in their order.
  Floats chosen_gradient_;
  std::vector<int> chosen_[2];
  double loss_ = 0, alpha_loss_ = 0, mean_log_prob_ = 0;
};

}  // namespace estuary::learner::native
