// Actions of the policy with their log densities, the policy's and the temperature's losses, and
// the way back from an action's gradient to the policy's last layer. Equations as in losses.h.
#pragma once

#include "learner/core/cuda/discriminator_stages.h"
#include "learner/core/cuda/portable.h"
#include "learner/core/cuda/step_arguments.h"

namespace estuary::learner::cuda {

// One dimension of the pre-squash Gaussian, from the last layer's two numbers.
template <typename T>
struct HeadNumber {
  T mean, raw, sigma;
  // Whether log sigma lies within its limits, so that it has a gradient.
  bool inside;
  T log_std;

  ESTUARY_DEVICE HeadNumber(const StepArguments<T>& s, int seed, const T* head, int dimension) {
    const StepSettings& c = s.settings;
    const T* scalars = s.main.values + int64_t{seed} * s.main.size;
    mean = head[dimension];
    raw = head[c.action + dimension];
    const T free = scalars[c.offset] + raw * scalars[c.multiplier];
    const T low = static_cast<T>(c.log_std_min), high = static_cast<T>(c.log_std_max);
    inside = free >= low && free <= high;
    log_std = Clamp(free, low, high);
    sigma = std::exp(log_std);
  }
};

// tanh(mean + sigma noise) of every dimension into `action`; returns the log density.
template <typename T>
ESTUARY_DEVICE inline T SampleAction(const StepArguments<T>& s, int seed, const T* head,
                                     const T* noise, T* action) {
  constexpr double kHalfLogTwoPi = 0.91893853320467274178, kLogTwo = 0.69314718055994530942;
  T log_prob = 0;
  for (int j = 0; j < s.settings.action; ++j) {
    const HeadNumber<T> h(s, seed, head, j);
    const T u = h.mean + h.sigma * noise[j];
    action[j] = std::tanh(u);
    const T constant = noise[j] * noise[j] * T(-0.5) - T(kHalfLogTwoPi + 2 * kLogTwo);
    log_prob += constant - h.log_std + 2 * (Softplus(T(-2) * u) + u);
  }
  return log_prob;
}

// At s, at s', and CQL's at both; one thread an action.
template <typename T>
struct PolicyActions {
  StepArguments<T> s;

  ESTUARY_DEVICE int64_t count() const {
    const StepSettings& c = s.settings;
    return c.seeds * (int64_t{2} * c.rows() + int64_t{3} * c.cql * c.real);
  }

  ESTUARY_DEVICE void operator()(int64_t index) const {
    const StepSettings& c = s.settings;
    const int64_t rows = c.rows(), cql = int64_t{3} * c.cql * c.real;
    const int seed = static_cast<int>(index / (2 * rows + cql));
    const int64_t i = index % (2 * rows + cql);
    const int sa = c.observation + c.action;
    const int64_t head = seed * rows * 2 * c.action;
    const T* heads = s.policy_pass.outputs[s.policy.layers - 1] + head;
    const T* next_heads = s.next_policy_pass.outputs[s.policy.layers - 1] + head;
    if (i < rows) {
      const int64_t at = seed * rows + i;
      s.log_prob[at] =
          SampleAction(s, seed, heads + i * 2 * c.action, s.policy_noise + at * c.action,
                       s.policy_inputs + at * sa + c.observation);
      return;
    }
    if (i < 2 * rows) {
      const int64_t at = seed * rows + i - rows;
      const int64_t target = int64_t{seed} * s.target_rows + i - rows;
      s.next_log_prob[at] = SampleAction(s, seed, next_heads + (i - rows) * 2 * c.action,
                                         s.next_policy_noise + at * c.action,
                                         s.target_inputs + target * sa + c.observation);
      return;
    }
    const int64_t row = (i - 2 * rows) / (3 * c.cql), j = (i - 2 * rows) % (3 * c.cql);
    T& log_density = s.cql_log_density[(int64_t{seed} * c.real + row) * 3 * c.cql + j];
    if (j < c.cql) {
      log_density = static_cast<T>(c.action * -0.69314718055994530942);
      return;
    }
    const bool next = j < 2 * c.cql;
    const int64_t noise = (int64_t{seed} * c.real + row) * 2 * c.cql + j - c.cql;
    const int64_t input = int64_t{seed} * s.q_rows + rows + row * 3 * c.cql + j;
    log_density =
        SampleAction(s, seed, (next ? next_heads : heads) + row * 2 * c.action,
                     s.cql_noise + noise * c.action, s.critic_inputs + input * sa + c.observation);
  }
};

// L_pi and L_alpha, and L_pi's gradient at the critics' outputs.
template <typename T>
struct PolicyLoss {
  StepArguments<T> s;

  template <typename Team>
  ESTUARY_DEVICE void operator()(Team& team, int seed) const {
    const StepSettings& c = s.settings;
    const int64_t rows = c.rows();
    const T* q = s.policy_critic_pass.outputs[s.critics.layers - 1] + seed * 2 * rows;
    T* gradient = s.policy_critic_pass.gradients[s.critics.layers - 1] + seed * 2 * rows;
    const T* log_prob = s.log_prob + seed * rows;
    const T log_alpha = s.main.values[int64_t{seed} * s.main.size + c.log_alpha];
    const T alpha = std::exp(log_alpha), part = T(1) / static_cast<T>(rows);
    team.ForEach(rows, [&](int64_t r) {
      const T first = q[r], second = q[rows + r];
      // Equals share the gradient, as in LibTorch.
      const T to_first = first < second ? T(1) : first > second ? T(0) : T(0.5);
      gradient[r] = -part * to_first;
      gradient[rows + r] = -part * (T(1) - to_first);
    });
    const T loss = part * team.template Sum<T>(rows, [&](int64_t r) {
      return log_prob[r] * alpha - MinOfTwins(q[r], q[rows + r]);
    });
    const T surplus = part * team.template Sum<T>(rows, [&](int64_t r) { return log_prob[r]; }) +
                      static_cast<T>(c.target_entropy);
    const T alpha_loss = -(log_alpha * surplus);
    team.Once([&] {
      s.main.gradient[int64_t{seed} * s.main.size + c.log_alpha] = -surplus;
      if (s.state[seed].halted != 0) return;
      s.losses[seed * kLosses + kLossPolicy] = loss;
      s.losses[seed * kLosses + kLossAlpha] = alpha_loss;
    });
  }
};

// From the gradient at the action, and that of log pi, to the policy's last layer and the two
// scalars of log sigma.
template <typename T>
struct PolicyHeadGradient {
  StepArguments<T> s;

  template <typename Team>
  ESTUARY_DEVICE void operator()(Team& team, int seed) const {
    const StepSettings& c = s.settings;
    const int64_t rows = c.rows(), numbers = rows * c.action;
    const int sa = c.observation + c.action, last = s.policy.layers - 1;
    const T* heads = s.policy_pass.outputs[last] + seed * rows * 2 * c.action;
    T* gradients = s.policy_pass.gradients[last] + seed * rows * 2 * c.action;
    const T* to_action = s.action_gradient + seed * 2 * numbers;
    const T* noise = s.policy_noise + seed * numbers;
    T* scalars = s.main.gradient + int64_t{seed} * s.main.size;
    const T* values = s.main.values + int64_t{seed} * s.main.size;
    // d loss / d log pi of a row.
    const T to_log_prob = std::exp(values[c.log_alpha]) / static_cast<T>(rows);
    const T multiplier = values[c.multiplier];
    const auto to_log_std = [&](int64_t i, const HeadNumber<T>& h, T to_u) {
      return h.inside ? to_u * h.sigma * noise[i] - to_log_prob : T(0);
    };
    const auto to_u = [&](int64_t i) {
      const int64_t r = i / c.action, j = i % c.action;
      const T action = s.policy_inputs[(seed * rows + r) * sa + c.observation + j];
      const T to_this = to_action[i] + to_action[numbers + i];
      // d log pi / d u = 2 tanh u.
      return to_this * (T(1) - action * action) + to_log_prob * 2 * action;
    };
    team.ForEach(numbers, [&](int64_t i) {
      const int64_t r = i / c.action;
      const int j = static_cast<int>(i % c.action);
      const HeadNumber<T> h(s, seed, heads + r * 2 * c.action, j);
      const T u = to_u(i);
      gradients[r * 2 * c.action + j] = u;
      gradients[r * 2 * c.action + c.action + j] = to_log_std(i, h, u) * multiplier;
    });
    if (c.fixed_log_std) {
      team.Once([&] { scalars[c.multiplier] = scalars[c.offset] = 0; });
      return;
    }
    const auto sum = [&](bool of_multiplier) {
      return team.template Sum<T>(numbers, [&](int64_t i) {
        const HeadNumber<T> h(s, seed, heads + i / c.action * 2 * c.action,
                              static_cast<int>(i % c.action));
        const T g = to_log_std(i, h, to_u(i));
        return of_multiplier ? g * h.raw : g;
      });
    };
    const T to_multiplier = sum(true), to_offset = sum(false);
    team.Once([&] {
      scalars[c.multiplier] = to_multiplier;
      scalars[c.offset] = to_offset;
    });
  }
};

}  // namespace estuary::learner::cuda
