#include "learner/core/native/critic_part.h"

#include <algorithm>
#include <cmath>

#include "learner/core/native/policy_part.h"

namespace estuary::learner::native {
namespace {

constexpr double kRegularizerBound = 1000;

}  // namespace

CriticPart::CriticPart(const LearnerConfig& config, const Nets& nets, const Batch& batch)
    : rows_(batch.shape.rows()),
      next_policy_(nets.policy(), {.rows = rows_, .input_ld = batch.ld}) {
  for (int i = 0; i < 2; ++i) {
    target_passes_[i] = MlpPass(nets.target(i), {.rows = rows_, .input_ld = batch.ld});
    passes_[i] = MlpPass(nets.critic(i),
                         {.rows = rows_, .input_ld = batch.ld, .keep = true, .backward = true});
    q_gradient_[i] = Floats(rows_);
  }
  next_action_ = Floats(config.action_dim * Padded(rows_));
  for (Floats* plane : {&next_log_prob_, &next_value_, &target_}) *plane = Floats(rows_);
  if (config.algorithm.regularizer == Regularizer::kCql) cql_.emplace(config, nets, batch);
}

void CriticPart::Evaluate(const LearnerConfig& config, const Nets& nets, Batch& batch,
                          const float* next_v) {
  const MlpWeights weights = nets.weights();
  const bool entropy = config.algorithm.backup_entropy;
  next_policy_.Forward(weights, batch.next.data());
  BestKernels().policy(HeadOf(config, nets, next_policy_, batch.next_policy_noise.data(),
                              next_action_.data(), entropy ? next_log_prob_.data() : nullptr));
  PutActions(config, next_action_, Padded(rows_), rows_, batch.next.data(), batch.ld);
  for (int i = 0; i < 2; ++i) {
    target_passes_[i].Forward(weights, batch.next.data());
    passes_[i].Forward(weights, batch.rows.data());
  }
  const float* t1 = target_passes_[0].output();
  const float* t2 = target_passes_[1].output();
  const float alpha = entropy ? std::exp(nets.log_alpha()) : 0;
  for (int row = 0; row < rows_; ++row) {
    next_value_[row] = Lesser(t1[row], t2[row]) - alpha * next_log_prob_[row];
  }
  if (next_v == nullptr) return;
  const float exploit = static_cast<float>(config.algorithm.exploit_coefficient);
  for (int row = 0; row < rows_; ++row) {
    next_value_[row] = exploit * next_v[row] + (1 - exploit) * next_value_[row];
  }
}

void CriticPart::ComputeLosses(const LearnerConfig& config, const Batch& batch,
                               const DynamicsRows& dynamics) {
  const AlgorithmConfig& algorithm = config.algorithm;
  const int real = batch.shape.real_rows, sim = batch.shape.sim_rows;
  const float discount = static_cast<float>(config.optimizer.discount);
  const bool shaped = algorithm.reward_shaping == RewardShaping::kDynamicsLogRatio;
  const float clip = static_cast<float>(algorithm.reward_shaping_clip);
  for (int row = 0; row < rows_; ++row) {
    float reward = batch.reward[row];
    if (shaped && row >= real) {
      reward += std::clamp(dynamics.log_ratio[static_cast<size_t>(row - real)], -clip, clip);
    }
    target_[row] = reward + discount * batch.live[row] * next_value_[row];
  }
  const double beta = algorithm.min_q_weight;
  for (int i = 0; i < 2; ++i) {
    const float* q = passes_[i].output();
    float* gradient = q_gradient_[i].data();
    CriticLosses& losses = losses_[i];
    losses = {};
    double real_sum = 0;
    for (int row = 0; row < real; ++row) {
      const float error = q[row] - target_[row];
      losses.td_real += static_cast<double>(error) * error;
      gradient[row] = 2 * error / static_cast<float>(real);
      real_sum += q[row];
    }
    for (int j = 0; j < sim; ++j) {
      const float weight = dynamics.ratio.empty() ? 1.0f : dynamics.ratio[static_cast<size_t>(j)];
      const float error = q[real + j] - target_[real + j];
      losses.td_sim += static_cast<double>(weight * error) * error;
      gradient[real + j] = 2 * weight * error / static_cast<float>(sim);
    }
    if (real > 0) losses.td_real /= real;
    if (sim > 0) losses.td_sim /= sim;
    if (algorithm.regularizer == Regularizer::kNone) continue;

    const double real_mean = real_sum / real;
    double regularizer = -real_mean;
    const float* q_sim = q + real;
    double greatest = 0, sum = 1;
    if (algorithm.regularizer == Regularizer::kWeightedLogSumExp) {
      greatest = -INFINITY;
      for (int j = 0; j < sim; ++j) {
        greatest =
            std::max<double>(greatest, q_sim[j] + dynamics.log_omega[static_cast<size_t>(j)]);
      }
      sum = 0;
      for (int j = 0; j < sim; ++j) {
        sum += std::exp(q_sim[j] + dynamics.log_omega[static_cast<size_t>(j)] - greatest);
      }
      regularizer += greatest + std::log(sum);
    } else if (algorithm.regularizer == Regularizer::kWeightedMean) {
      for (int j = 0; j < sim; ++j) {
        regularizer += static_cast<double>(q_sim[j]) * dynamics.omega[static_cast<size_t>(j)];
      }
    }
    losses.regularizer = regularizer;
    if (algorithm.HasGapRegularizer()) {
      losses.regularizer = std::clamp(regularizer, -kRegularizerBound, kRegularizerBound);
      // Beyond its bound the regulariser is constant.
      if (std::abs(regularizer) > kRegularizerBound) continue;
    }
    for (int row = 0; row < real; ++row) gradient[row] -= static_cast<float>(beta / real);
    if (!algorithm.HasGapRegularizer()) continue;
    const bool exponential = algorithm.regularizer == Regularizer::kWeightedLogSumExp;
    for (int j = 0; j < sim; ++j) {
      const size_t at = static_cast<size_t>(j);
      const double share = exponential
                               ? std::exp(q_sim[j] + dynamics.log_omega[at] - greatest) / sum
                               : dynamics.omega[at];
      gradient[real + j] += static_cast<float>(beta * share);
    }
  }
}

void CriticPart::SampleActions(const LearnerConfig& config, const Nets& nets, const Batch& batch,
                               const MlpPass& policy) {
  if (cql_.has_value()) cql_->Sample(config, nets, batch, policy, next_policy_);
}

void CriticPart::Differentiate(const LearnerConfig& config, int i, Nets& nets, const Batch& batch) {
  passes_[i].Backward(nets.weights(), batch.rows.data(), q_gradient_[i].data(), nets.gradient(),
                      /*accumulate=*/false);
  if (cql_.has_value()) losses_[i].regularizer += cql_->Differentiate(config, i, nets, batch);
}

double CriticPart::MeanTarget() const {
  double sum = 0;
  for (int row = 0; row < rows_; ++row) sum += target_[row];
  return sum / rows_;
}

double CriticPart::MeanQ(int first, int count) const {
  double sum = 0;
  for (const MlpPass& pass : passes_) {
    for (int row = first; row < first + count; ++row) sum += pass.output()[row];
  }
  return sum / (2 * count);
}

std::vector<float> CriticPart::RowQ(int first, int count) const {
  std::vector<float> rows(static_cast<size_t>(count));
  for (int row = 0; row < count; ++row) {
    rows[row] = (passes_[0].output()[first + row] + passes_[1].output()[first + row]) / 2;
  }
  return rows;
}

}  // namespace estuary::learner::native
