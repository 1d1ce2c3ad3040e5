// The part of V in a step (H2O+): its value at the next states, and its expectile loss towards the
// target critics at the real rows.
#pragma once

#include "learner/core/config.h"
#include "learner/core/native/aligned.h"
#include "learner/core/native/batch.h"
#include "learner/core/native/mlp.h"
#include "learner/core/native/nets.h"

namespace estuary::learner::native {

class ValuePart {
 public:
  ValuePart(const Nets& nets, const Batch& batch);

  // Writes V's gradient.
  void Run(const LearnerConfig& config, Nets& nets, const Batch& batch);

  // A plane of V(s') over all rows.
  const float* next() const { return next_.output(); }
  double loss() const { return loss_; }
  // Over the real rows.
  double MeanValue() const;

 private:
  int real_rows_;
  MlpPass next_;
  MlpPass value_;
  MlpPass targets_[2];
  Floats gradient_;
  double loss_ = 0;
};

}  // namespace estuary::learner::native
