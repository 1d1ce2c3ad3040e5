#include "learner/core/losses.h"

#include <ATen/ATen.h>

#include <cmath>

#include "learner/core/log_variance.h"

namespace estuary::learner {
namespace {

constexpr double kRegularizerBound = 1000;
constexpr double kLogTwo = 0.69314718055994530942;
constexpr double kHalfLogTwoPi = 0.91893853320467274178;

at::Tensor Bounded(const at::Tensor& regularizer) {
  return at::clamp(regularizer, -kRegularizerBound, kRegularizerBound);
}

// The head shaped to broadcast against noise [rows, action] or [rows, k, action].
GaussianHead MatchNoise(const GaussianHead& head, const at::Tensor& noise) {
  if (noise.dim() == head.mean.dim()) return head;
  return {head.mean.unsqueeze(1), head.log_std.unsqueeze(1)};
}

}  // namespace

GaussianHead SplitHead(const at::Tensor& output, const at::Tensor& log_std_multiplier,
                       const at::Tensor& log_std_offset, double log_std_min, double log_std_max) {
  const auto parts = at::split(output, output.size(-1) / 2, /*dim=*/-1);
  const at::Tensor log_std = at::addcmul(log_std_offset, parts[1], log_std_multiplier);
  return {parts[0], at::clamp(log_std, log_std_min, log_std_max)};
}

at::Tensor SquashedAction(const GaussianHead& head, const at::Tensor& noise) {
  const GaussianHead h = MatchNoise(head, noise);
  return at::tanh(at::addcmul(h.mean, at::exp(h.log_std), noise));
}

PolicySample SamplePolicy(const GaussianHead& head, const at::Tensor& noise) {
  const GaussianHead h = MatchNoise(head, noise);
  const at::Tensor u = at::addcmul(h.mean, at::exp(h.log_std), noise);
  // (u - mean) / sigma is the noise itself: log N(u) = -noise^2 / 2 - log sigma - log(2 pi) / 2.
  // The terms without a gradient go first, in `constant`.
  const at::Tensor constant = at::mul(noise, noise).mul_(-0.5).sub_(kHalfLogTwoPi + 2 * kLogTwo);
  const at::Tensor squash = at::softplus(at::mul(u, -2)).add(u);
  const at::Tensor log_prob = at::add(at::sub(constant, h.log_std), squash, 2);
  return {at::tanh(u), log_prob.sum(-1)};
}

at::Tensor BoundedLogits(const at::Tensor& output) { return at::mul(at::tanh(output), 2); }

at::Tensor DiscriminatorLoss(const at::Tensor& logits, const at::Tensor& labels) {
  // The mean over both halves is half the sum of the two means.
  return at::mul(at::nll_loss(at::log_softmax(logits, /*dim=*/-1), labels), 2);
}

at::Tensor DynamicsLogRatio(const at::Tensor& z_sas) {
  return at::sub(z_sas.select(-1, kRealColumn), z_sas.select(-1, kSimColumn));
}

at::Tensor ClampedRatio(const at::Tensor& log_ratio, double min, double max) {
  return at::clamp(at::exp(log_ratio), min, max);
}

at::Tensor DynamicsGap(const at::Tensor& log_ratio, double min, double max) {
  return at::clamp(at::neg(log_ratio.mean(-1)), min, max);
}

at::Tensor GapWeights(const at::Tensor& u) { return at::div(u, u.sum()); }

at::Tensor LogGapWeights(const at::Tensor& u) { return at::sub(at::log(u), at::log(u.sum())); }

DynamicsPrediction SplitPrediction(const at::Tensor& output) {
  const auto parts = at::split(output, output.size(-1) / 2, /*dim=*/-1);
  const at::Tensor below =
      at::rsub(at::softplus(at::rsub(parts[1], kGreatestLogVariance)), kGreatestLogVariance);
  return {parts[0], at::add(at::softplus(at::sub(below, kLeastLogVariance)), kLeastLogVariance)};
}

at::Tensor DynamicsModelLoss(const DynamicsPrediction& prediction, const at::Tensor& difference) {
  const at::Tensor square = at::square(at::sub(difference, prediction.mean));
  return at::add(at::mul(square, at::exp(at::neg(prediction.log_variance))),
                 prediction.log_variance)
      .sum(-1)
      .mean()
      .mul(0.5);
}

at::Tensor SampledDifference(const DynamicsPrediction& prediction, const at::Tensor& noise) {
  const at::Tensor sigma = at::exp(at::mul(prediction.log_variance, 0.5));
  return at::addcmul(prediction.mean.unsqueeze(1), sigma.unsqueeze(1), noise);
}

at::Tensor ReverseDynamicsGap(const at::Tensor& log_ratio, double min, double max) {
  return at::clamp(log_ratio.mean(-1), min, max);
}

at::Tensor BellmanTarget(const at::Tensor& reward, const at::Tensor& terminal, double discount,
                         const at::Tensor& next_value) {
  return at::addcmul(reward, at::rsub(terminal, 1), next_value, discount);
}

at::Tensor TemporalDifference(const at::Tensor& q, const at::Tensor& target) {
  return at::square(at::sub(q, target)).mean(-1);
}

at::Tensor WeightedTemporalDifference(const at::Tensor& q, const at::Tensor& target,
                                      const at::Tensor& weight) {
  return at::mul(at::square(at::sub(q, target)), weight).mean(-1);
}

at::Tensor LogSumExpRegularizer(const at::Tensor& q_sim, const at::Tensor& q_real,
                                const at::Tensor& log_omega) {
  return Bounded(at::sub(at::logsumexp(at::add(q_sim, log_omega), -1), q_real.mean(-1)));
}

at::Tensor MeanRegularizer(const at::Tensor& q_sim, const at::Tensor& q_real,
                           const at::Tensor& omega) {
  return Bounded(at::sub(at::mul(q_sim, omega).sum(-1), q_real.mean(-1)));
}

at::Tensor CqlRegularizer(const at::Tensor& q_sampled, const at::Tensor& log_density,
                          const at::Tensor& q_data) {
  return at::logsumexp(at::sub(q_sampled, log_density), -1).mean(-1).sub(q_data.mean(-1));
}

double LogUniformDensity(int64_t action_dim) { return -static_cast<double>(action_dim) * kLogTwo; }

at::Tensor ExpectileLoss(const at::Tensor& v, const at::Tensor& target, double expectile) {
  const at::Tensor delta = at::sub(target, v);
  const at::Tensor weight =
      at::where(delta.lt(0), at::full_like(delta, 1 - expectile), at::full_like(delta, expectile));
  return at::mul(at::square(delta), weight.detach()).mean();
}

at::Tensor BlendedValue(const at::Tensor& next_v, const at::Tensor& next_value, double exploit) {
  return at::lerp(next_value, next_v, exploit);
}

at::Tensor PolicyLoss(const at::Tensor& alpha, const at::Tensor& log_prob,
                      const at::Tensor& min_q) {
  return at::sub(at::mul(log_prob, alpha), min_q).mean();
}

at::Tensor TemperatureLoss(const at::Tensor& log_alpha, const at::Tensor& log_prob,
                           double target_entropy) {
  return at::neg(at::mul(log_alpha, at::add(log_prob.mean(), target_entropy)));
}

}  // namespace estuary::learner
