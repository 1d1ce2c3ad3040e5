// The critics' losses with their gradient: the dynamics ratio and gap from d_sas, the targets, and
// the regularisers; and V's loss, which reads the same targets. Equations as in losses.h; a block
// of threads a seed.
#pragma once

#include "learner/core/cuda/discriminator_stages.h"
#include "learner/core/cuda/portable.h"
#include "learner/core/cuda/step_arguments.h"
#include "learner/core/cuda/value_stages.h"

namespace estuary::learner::cuda {

inline constexpr double kRegularizerBound = 1000;

template <typename T>
struct CriticLoss {
  StepArguments<T> s;

  template <typename Team>
  ESTUARY_DEVICE void operator()(Team& team, int seed) const {
    Dynamics(team, seed);
    Targets(team, seed);
    bool sound = Sound(s.losses[seed * kLosses + kLossPolicy]) &&
                 Sound(s.losses[seed * kLosses + kLossAlpha]);
    if (s.settings.has_value) sound = ValueLoss<T>{s}(team, seed) && sound;
    for (int twin = 0; twin < 2; ++twin) sound = Critic(team, seed, twin) && sound;
    team.Once([&] {
      SeedState& state = s.state[seed];
      if (state.halted == 0 && state.discriminators_failed == 0 && !sound) state.rest_failed = 1;
    });
  }

 private:
  // log ratio and ratio of each simulated row, u and omega.
  template <typename Team>
  ESTUARY_DEVICE void Dynamics(Team& team, int seed) const {
    const StepSettings& c = s.settings;
    const int64_t n = c.sim, variants = c.exact + c.noisy;
    if (variants > 0) {
      const T* out = s.dynamics_pass.outputs[s.sas.layers - 1] + seed * n * variants * 2;
      team.ForEach(n, [&](int64_t i) {
        const T* row = out + i * variants * 2;
        const auto log_ratio = [&](int64_t v) {
          return 2 * std::tanh(row[2 * v]) - 2 * std::tanh(row[2 * v + 1]);
        };
        if (c.exact > 0) {
          const T exact = log_ratio(0);
          s.log_ratio[seed * n + i] = exact;
          s.ratio[seed * n + i] =
              Clamp(std::exp(exact), static_cast<T>(c.ratio_min), static_cast<T>(c.ratio_max));
        }
        if (c.noisy > 0) {
          T sum = 0;
          for (int64_t v = c.exact; v < variants; ++v) sum += log_ratio(v);
          const T mean = sum / static_cast<T>(c.noisy);
          s.u[seed * n + i] = Clamp(c.modelled ? mean : -mean, static_cast<T>(c.gap_min),
                                    static_cast<T>(c.gap_max));
        }
      });
    }
    if (!c.gap_penalty) return;
    T* u = s.u + seed * n;
    if (c.uniform_gap) team.ForEach(n, [&](int64_t i) { u[i] = 1; });
    const T sum = team.template Sum<T>(n, [&](int64_t i) { return u[i]; });
    team.ForEach(n, [&](int64_t i) { s.omega[seed * n + i] = u[i] / sum; });
  }

  template <typename Team>
  ESTUARY_DEVICE void Targets(Team& team, int seed) const {
    const StepSettings& c = s.settings;
    const int64_t rows = c.rows();
    const T* q = s.target_pass.outputs[s.targets.layers - 1] + int64_t{seed} * 2 * s.target_rows;
    const T alpha = std::exp(s.main.values[int64_t{seed} * s.main.size + c.log_alpha]);
    const T clip = static_cast<T>(c.shaping_clip);
    team.ForEach(rows, [&](int64_t r) {
      const T* row = s.rows + (seed * rows + r) * c.width;
      T value = MinOfTwins(q[r], q[s.target_rows + r]);
      if (c.backup_entropy) value -= s.next_log_prob[seed * rows + r] * alpha;
      if (c.has_value) value = BlendedValue(s, seed, r, value);
      T reward = row[c.sas];
      if (c.shaped && r >= c.real) {
        reward += Clamp(s.log_ratio[int64_t{seed} * c.sim + r - c.real], -clip, clip);
      }
      s.target[seed * rows + r] =
          reward + static_cast<T>(c.discount) * ((T(1) - row[c.sas + 1]) * value);
    });
  }

  // Losses of one critic and their gradient at its outputs; false where a loss is not sound.
  template <typename Team>
  ESTUARY_DEVICE bool Critic(Team& team, int seed, int twin) const {
    const StepSettings& c = s.settings;
    const int64_t rows = c.rows(), first = (int64_t{seed} * 2 + twin) * s.q_rows;
    const T* q = s.critic_pass.outputs[s.critics.layers - 1] + first;
    T* gradient = s.critic_pass.gradients[s.critics.layers - 1] + first;
    const T* target = s.target + seed * rows;
    const T* weight = c.weighted ? s.ratio + int64_t{seed} * c.sim : nullptr;
    const T real_part = c.real > 0 ? T(1) / static_cast<T>(c.real) : T(0);
    const T sim_part = c.sim > 0 ? T(1) / static_cast<T>(c.sim) : T(0);
    const auto weight_of = [&](int64_t i) { return weight != nullptr ? weight[i] : T(1); };
    const T td_real = real_part * team.template Sum<T>(c.real, [&](int64_t i) {
      return (q[i] - target[i]) * (q[i] - target[i]);
    });
    const T td_sim = sim_part * team.template Sum<T>(c.sim, [&](int64_t i) {
      const T error = q[c.real + i] - target[c.real + i];
      return error * error * weight_of(i);
    });
    team.ForEach(rows, [&](int64_t r) {
      const T error = 2 * (q[r] - target[r]);
      gradient[r] = r < c.real ? error * real_part : error * weight_of(r - c.real) * sim_part;
    });
    const T regularizer = Penalty(team, seed, q, gradient, real_part);
    const T td = td_real + td_sim;
    team.Once([&] {
      if (s.state[seed].halted != 0) return;
      T* losses = s.losses + seed * kLosses + twin;
      losses[kLossTdReal] = td_real;
      losses[kLossTdSim] = td_sim;
      losses[kLossTd] = td;
      losses[kLossRegularizer] = regularizer;
    });
    return Sound(td_real) && Sound(td_sim) && Sound(td) && Sound(regularizer);
  }

  // The regulariser of one critic; adds its gradient, times beta.
  template <typename Team>
  ESTUARY_DEVICE T Penalty(Team& team, int seed, const T* q, T* gradient, T real_part) const {
    const StepSettings& c = s.settings;
    if (c.penalty == PenaltyKind::kNone) return 0;
    const T beta = static_cast<T>(c.min_q_weight), bound = static_cast<T>(kRegularizerBound);
    const T real_mean = real_part * team.template Sum<T>(c.real, [&](int64_t i) { return q[i]; });
    if (c.penalty == PenaltyKind::kCql) {
      return CqlPenalty(team, seed, q, gradient, real_part) - real_mean;
    }
    const T* q_sim = q + c.real;
    const T* omega = s.omega + int64_t{seed} * c.sim;
    T value, greatest = 0, sum = 1;
    if (c.penalty == PenaltyKind::kLogSumExp) {
      // An omega that is 0 beside others has a logarithm that leaves it out; log u - log sum u
      // would stay finite but, of the least u, round to 1e-5.
      const auto exponent = [&](int64_t i) { return q_sim[i] + std::log(omega[i]); };
      greatest = team.template Greatest<T>(c.sim, exponent);
      sum =
          team.template Sum<T>(c.sim, [&](int64_t i) { return std::exp(exponent(i) - greatest); });
      value = greatest + std::log(sum) - real_mean;
      const bool inside = value >= -bound && value <= bound;
      const T scale = inside ? beta / sum : T(0);
      team.ForEach(c.sim, [&](int64_t i) {
        gradient[c.real + i] += scale * std::exp(exponent(i) - greatest);
      });
      team.ForEach(c.real, [&](int64_t i) { gradient[i] -= inside ? beta * real_part : T(0); });
      return Clamp(value, -bound, bound);
    }
    value = team.template Sum<T>(c.sim, [&](int64_t i) { return q_sim[i] * omega[i]; }) - real_mean;
    const bool inside = value >= -bound && value <= bound;
    const T scale = inside ? beta : T(0);
    team.ForEach(c.sim, [&](int64_t i) { gradient[c.real + i] += scale * omega[i]; });
    team.ForEach(c.real, [&](int64_t i) { gradient[i] -= scale * real_part; });
    return Clamp(value, -bound, bound);
  }

  // The mean over real rows of log sum exp over the sampled actions, importance-sampled.
  template <typename Team>
  ESTUARY_DEVICE T CqlPenalty(Team& team, int seed, const T* q, T* gradient, T real_part) const {
    const StepSettings& c = s.settings;
    const int64_t actions = int64_t{3} * c.cql;
    const T* sampled = q + c.rows();
    T* sampled_gradient = gradient + c.rows();
    const T* density = s.cql_log_density + int64_t{seed} * c.real * actions;
    const T scale = static_cast<T>(c.min_q_weight) * real_part;
    const T mean = real_part * team.template Sum<T>(c.real, [&](int64_t row) {
      const T* x = sampled + row * actions;
      const T* d = density + row * actions;
      T greatest = x[0] - d[0];
      for (int64_t j = 1; j < actions; ++j) greatest = Max(greatest, x[j] - d[j]);
      T sum = 0;
      for (int64_t j = 0; j < actions; ++j) sum += std::exp(x[j] - d[j] - greatest);
      for (int64_t j = 0; j < actions; ++j) {
        sampled_gradient[row * actions + j] = scale / sum * std::exp(x[j] - d[j] - greatest);
      }
      return greatest + std::log(sum);
    });
    team.ForEach(c.real, [&](int64_t i) { gradient[i] -= scale; });
    return mean;
  }
};

}  // namespace estuary::learner::cuda
