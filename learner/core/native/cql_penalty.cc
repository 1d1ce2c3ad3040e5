#include <algorithm>
#include <cmath>

#include "learner/core/native/critic_part.h"
#include "learner/core/native/policy_part.h"

namespace estuary::learner::native {
namespace {

constexpr int kKinds = 3;
constexpr double kLogTwo = 0.69314718055994530942;
// Sampled rows of a pass.
constexpr int kPassRows = 256;

}  // namespace

CqlPenalty::CqlPenalty(const LearnerConfig& config, const Nets& nets, const Batch& batch)
    : rows_(batch.shape.real_rows),
      actions_(config.algorithm.cql_actions),
      group_(std::min(rows_, std::max(1, kPassRows / (kKinds * actions_)))) {
  const int samples = kKinds * actions_;
  for (int i = 0; i < 2; ++i) {
    const auto pass = [&](int rows) {
      return MlpPass(
          nets.critic(i),
          {.rows = rows * samples, .input_ld = batch.ld, .keep = true, .backward = true});
    };
    passes_[i].block = pass(group_);
    if (rows_ % group_ > 0) passes_[i].rest = pass(rows_ % group_);
    passes_[i].inputs = Floats(group_ * samples * batch.ld);
    passes_[i].gradient = Floats(group_ * samples);
  }
  const int64_t a = config.action_dim, kind = Padded(int64_t{rows_} * actions_);
  action_ = Floats(int64_t{rows_} * samples * a);
  log_density_ = Floats(int64_t{rows_} * samples);
  for (Floats* planes : {&mean_, &raw_, &kind_action_}) *planes = Floats(a * kind);
  kind_log_prob_ = Floats(kind);
}

void CqlPenalty::Sample(const LearnerConfig& config, const Nets& nets, const Batch& batch,
                        const MlpPass& policy, const MlpPass& next_policy) {
  const int a = config.action_dim;
  const int64_t plane = Padded(int64_t{rows_} * actions_);
  const int samples = kKinds * actions_;
  const auto put = [&](int kind, const Floats& action, const Floats* log_prob) {
    for (int row = 0; row < rows_; ++row) {
      for (int k = 0; k < actions_; ++k) {
        const int64_t from = int64_t{row} * actions_ + k;
        const int64_t to = int64_t{row} * samples + kind * actions_ + k;
        for (int d = 0; d < a; ++d) action_[to * a + d] = action[d * plane + from];
        log_density_[to] =
            log_prob == nullptr ? static_cast<float>(-a * kLogTwo) : (*log_prob)[from];
      }
    }
  };
  const auto sample = [&](int kind, const MlpPass& pass, const Floats& noise) {
    const float* head = pass.output();
    for (int d = 0; d < a; ++d) {
      for (int row = 0; row < rows_; ++row) {
        const int64_t at = d * plane + int64_t{row} * actions_;
        std::fill_n(mean_.data() + at, actions_, head[d * pass.output_ld() + row]);
        std::fill_n(raw_.data() + at, actions_, head[(a + d) * pass.output_ld() + row]);
      }
    }
    PolicyRows rows =
        HeadOf(config, nets, pass, noise.data(), kind_action_.data(), kind_log_prob_.data());
    rows.padded = static_cast<int>(plane);
    rows.ld = plane;
    rows.mean = mean_.data();
    rows.raw = raw_.data();
    BestKernels().policy(rows);
    put(kind, kind_action_, &kind_log_prob_);
  };
  put(0, batch.cql_uniform, nullptr);
  sample(1, next_policy, batch.cql_next_noise);
  sample(2, policy, batch.cql_current_noise);
}

double CqlPenalty::Differentiate(const LearnerConfig& config, int critic, Nets& nets,
                                 const Batch& batch) {
  const int o = config.observation_dim, a = config.action_dim;
  const int samples = kKinds * actions_;
  const float beta = static_cast<float>(config.algorithm.min_q_weight / rows_);
  Passes& passes = passes_[critic];
  double total = 0;
  for (int first = 0; first < rows_; first += group_) {
    const int count = std::min(group_, rows_ - first);
    MlpPass& pass = count == group_ ? passes.block : passes.rest;
    for (int i = 0; i < count; ++i) {
      const float* state = batch.rows.data() + (first + i) * batch.ld;
      const float* action = action_.data() + int64_t{first + i} * samples * a;
      float* input = passes.inputs.data() + int64_t{i} * samples * batch.ld;
      for (int k = 0; k < samples; ++k, input += batch.ld, action += a) {
        std::copy(state, state + 1 + o, input);
        std::copy(action, action + a, input + 1 + o);
      }
    }
    pass.Forward(nets.weights(), passes.inputs.data());
    for (int i = 0; i < count; ++i) {
      const float* q = pass.output() + int64_t{i} * samples;
      const float* log_density = log_density_.data() + int64_t{first + i} * samples;
      float* gradient = passes.gradient.data() + int64_t{i} * samples;
      float greatest = -INFINITY;
      for (int k = 0; k < samples; ++k) greatest = std::max(greatest, q[k] - log_density[k]);
      double sum = 0;
      for (int k = 0; k < samples; ++k) {
        gradient[k] = std::exp(q[k] - log_density[k] - greatest);
        sum += gradient[k];
      }
      for (int k = 0; k < samples; ++k) gradient[k] *= static_cast<float>(beta / sum);
      total += greatest + std::log(sum);
    }
    pass.Backward(nets.weights(), passes.inputs.data(), passes.gradient.data(), nets.gradient(),
                  /*accumulate=*/true);
  }
  return total / rows_;
}

}  // namespace estuary::learner::native
