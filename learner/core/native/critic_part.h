// The critics' part of a step: targets from the next states, values of the batch, losses, and
// gradients, one critic apart from the other so that two threads can take one each.
#pragma once

#include <optional>
#include <vector>

#include "learner/core/config.h"
#include "learner/core/native/aligned.h"
#include "learner/core/native/batch.h"
#include "learner/core/native/mlp.h"
#include "learner/core/native/nets.h"

namespace estuary::learner::native {

// What the discriminators say about the simulated rows; empty where the algorithm has none.
struct DynamicsRows {
  std::vector<float> u, omega, log_omega, log_ratio, ratio;
};

struct CriticLosses {
  double td_real = 0;
  double td_sim = 0;
  double regularizer = 0;
};

// CQL's sampled actions and their penalty, in blocks of rows that go forward and backward at once.
class CqlPenalty {
 public:
  CqlPenalty(const LearnerConfig& config, const Nets& nets, const Batch& batch);

  // Actions of the three kinds with their log densities.
  void Sample(const LearnerConfig& config, const Nets& nets, const Batch& batch,
              const MlpPass& policy, const MlpPass& next_policy);
  // Adds critic i's gradient of the penalty on sampled actions to what Nets has; returns the mean
  // log-sum-exp.
  double Differentiate(const LearnerConfig& config, int critic, Nets& nets, const Batch& batch);

 private:
  struct Passes {
    MlpPass block, rest;
    Floats inputs, gradient;
  };

  int rows_;
  int actions_;
  // Rows whose samples share a pass.
  int group_;
  Passes passes_[2];
  // Planes over [rows][3 kinds][actions], and what a kind needs.
  Floats action_, log_density_;
  Floats mean_, raw_, kind_action_, kind_log_prob_;
};

class CriticPart {
 public:
  CriticPart(const LearnerConfig& config, const Nets& nets, const Batch& batch);

  // Q of the batch, and min Q-target (less the entropy term) of its next states, blended with
  // `next_v`, a plane, where that is not null.
  void Evaluate(const LearnerConfig& config, const Nets& nets, Batch& batch, const float* next_v);
  // Targets and both critics' losses, CQL's penalty apart; needs Evaluate.
  void ComputeLosses(const LearnerConfig& config, const Batch& batch, const DynamicsRows& dynamics);
  // Where the algorithm has CQL's penalty; needs Evaluate and `policy` at the batch's states.
  void SampleActions(const LearnerConfig& config, const Nets& nets, const Batch& batch,
                     const MlpPass& policy);
  // Writes critic i's gradient.
  void Differentiate(const LearnerConfig& config, int i, Nets& nets, const Batch& batch);

  const CriticLosses& losses(int i) const { return losses_[i]; }
  double MeanTarget() const;
  // Over the critics and rows [first, first + count).
  double MeanQ(int first, int count) const;
  // The critics' mean, row by row.
  std::vector<float> RowQ(int first, int count) const;

 private:
  int rows_;
  MlpPass next_policy_;
  Floats next_action_, next_log_prob_;
  MlpPass target_passes_[2];
  MlpPass passes_[2];
  Floats next_value_, target_;
  Floats q_gradient_[2];
  CriticLosses losses_[2];
  std::optional<CqlPenalty> cql_;
};

}  // namespace estuary::learner::native
