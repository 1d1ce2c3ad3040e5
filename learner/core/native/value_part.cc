#include "learner/core/native/value_part.h"

#include "learner/core/native/policy_part.h"

namespace estuary::learner::native {

ValuePart::ValuePart(const Nets& nets, const Batch& batch)
    : real_rows_(batch.shape.real_rows),
      next_(nets.value(), {.rows = batch.shape.rows(), .input_ld = batch.ld}),
      value_(nets.value(),
             {.rows = real_rows_, .input_ld = batch.ld, .keep = true, .backward = true}),
      gradient_(real_rows_) {
  for (int i = 0; i < 2; ++i) {
    targets_[i] = MlpPass(nets.target(i), {.rows = real_rows_, .input_ld = batch.ld});
  }
}

void ValuePart::Run(const LearnerConfig& config, Nets& nets, const Batch& batch) {
  const MlpWeights weights = nets.weights();
  // What stands behind s' in these rows V does not read.
  next_.Forward(weights, batch.next.data());
  value_.Forward(weights, batch.rows.data());
  for (MlpPass& target : targets_) target.Forward(weights, batch.rows.data());
  const float expectile = static_cast<float>(config.algorithm.value_expectile);
  double sum = 0;
  for (int row = 0; row < real_rows_; ++row) {
    const float delta =
        Lesser(targets_[0].output()[row], targets_[1].output()[row]) - value_.output()[row];
    const float weight = delta < 0 ? 1 - expectile : expectile;
    sum += static_cast<double>(weight * delta) * delta;
    gradient_[row] = -2 * weight * delta / static_cast<float>(real_rows_);
  }
  loss_ = sum / real_rows_;
  value_.Backward(weights, batch.rows.data(), gradient_.data(), nets.gradient(),
                  /*accumulate=*/false);
}

double ValuePart::MeanValue() const {
  double sum = 0;
  for (int row = 0; row < real_rows_; ++row) sum += value_.output()[row];
  return sum / real_rows_;
}

}  // namespace estuary::learner::native
