#include "learner/core/native/policy_part.h"

#include <algorithm>
#include <cmath>

namespace estuary::learner::native {

PolicyRows HeadOf(const LearnerConfig& config, const Nets& nets, const MlpPass& pass,
                  const float* noise, float* action, float* log_prob) {
  const int64_t ld = pass.output_ld();
  return {.padded = static_cast<int>(ld),
          .action_dim = config.action_dim,
          .ld = ld,
          .mean = pass.output(),
          .raw = pass.output() + config.action_dim * ld,
          .noise = noise,
          .multiplier = nets.multiplier(),
          .offset = nets.offset(),
          .log_std_min = static_cast<float>(config.networks.log_std_min),
          .log_std_max = static_cast<float>(config.networks.log_std_max),
          .action = action,
          .log_prob = log_prob};
}

void PutActions(const LearnerConfig& config, const Floats& action, int64_t plane, int rows,
                float* inputs, int64_t input_ld) {
  float* out = inputs + 1 + config.observation_dim;
  for (int row = 0; row < rows; ++row, out += input_ld) {
    for (int d = 0; d < config.action_dim; ++d) out[d] = action[d * plane + row];
  }
}

PolicyPart::PolicyPart(const LearnerConfig& config, const Nets& nets, const Batch& batch)
    : rows_(batch.shape.rows()),
      policy_(nets.policy(), {.rows = rows_, .input_ld = batch.ld, .keep = true, .backward = true}),
      inputs_(rows_ * batch.ld),
      input_gradient_(nets.critic(0), rows_, config.observation_dim, config.action_dim) {
  for (int i = 0; i < 2; ++i) {
    critics_[i] = MlpPass(nets.critic(i), {.rows = rows_, .input_ld = batch.ld, .keep = true});
    chosen_[i].resize(static_cast<size_t>(rows_));
  }
  const int64_t plane = Padded(rows_);
  log_prob_ = Floats(plane);
  ones_ = Floats(plane);
  std::fill_n(ones_.data(), plane, 1.0f);
  for (Floats* planes : {&action_, &action_gradient_, &chosen_gradient_}) {
    *planes = Floats(config.action_dim * plane);
  }
  head_gradient_ = Floats(2 * config.action_dim * plane);
}

void PolicyPart::Run(const LearnerConfig& config, Nets& nets, const Batch& batch) {
  const Kernels& kernels = BestKernels();
  const MlpWeights weights = nets.weights();
  const int64_t plane = Padded(rows_);
  const int state = 1 + config.observation_dim;
  policy_.Forward(weights, batch.rows.data());
  const PolicyRows head =
      HeadOf(config, nets, policy_, batch.policy_noise.data(), action_.data(), log_prob_.data());
  kernels.policy(head);
  for (int row = 0; row < rows_; ++row) {
    const float* from = batch.rows.data() + row * batch.ld;
    std::copy(from, from + state, inputs_.data() + row * batch.ld);
  }
  PutActions(config, action_, plane, rows_, inputs_.data(), batch.ld);
  for (MlpPass& critic : critics_) {
    critic.Forward(weights, inputs_.data());
  }
  DifferentiateActions(config, nets);

  const float alpha = std::exp(nets.log_alpha());
  PolicyGradientRows gradient = {.forward = head,
                                 .rows = rows_,
                                 .alpha = alpha,
                                 .action_gradient = action_gradient_.data(),
                                 .mean_gradient = head_gradient_.data(),
                                 .raw_gradient = head_gradient_.data() + config.action_dim * plane,
                                 .multiplier_gradient = 0,
                                 .offset_gradient = 0};
  kernels.policy_gradient(gradient);
  policy_.Backward(weights, batch.rows.data(), head_gradient_.data(), nets.gradient(),
                   /*accumulate=*/false);
  const bool trained = !config.networks.fixed_log_std;
  nets.multiplier_gradient() = trained ? gradient.multiplier_gradient : 0;
  nets.offset_gradient() = trained ? gradient.offset_gradient : 0;

  double log_prob = 0, value = 0;
  for (int row = 0; row < rows_; ++row) {
    log_prob += log_prob_[row];
    value += Lesser(critics_[0].output()[row], critics_[1].output()[row]);
  }
  mean_log_prob_ = log_prob / rows_;
  loss_ = alpha * mean_log_prob_ - value / rows_;
  const double excess = mean_log_prob_ + config.TargetEntropy();
  alpha_loss_ = -nets.log_alpha() * excess;
  nets.log_alpha_gradient() = static_cast<float>(-excess);
}

void PolicyPart::DifferentiateActions(const LearnerConfig& config, const Nets& nets) {
  int counts[2] = {0, 0};
  const float* q1 = critics_[0].output();
  const float* q2 = critics_[1].output();
  for (int row = 0; row < rows_; ++row) {
    const int lesser = q2[row] < q1[row] ? 1 : 0;
    chosen_[lesser][static_cast<size_t>(counts[lesser]++)] = row;
  }
  const int64_t plane = Padded(rows_);
  for (int i = 0; i < 2; ++i) {
    input_gradient_.Run(nets.critic(i), nets.weights(), critics_[i], chosen_[i].data(), counts[i],
                        ones_.data(), chosen_gradient_.data(), plane);
    for (int d = 0; d < config.action_dim; ++d) {
      for (int j = 0; j < counts[i]; ++j) {
        action_gradient_[d * plane + chosen_[i][static_cast<size_t>(j)]] =
            chosen_gradient_[d * plane + j];
      }
    }
  }
}

}  // namespace estuary::learner::native
