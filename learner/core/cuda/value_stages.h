// H2O+'s net V: its expectile loss towards the target critics at the real rows' own actions, with
// its gradient, and its part in the critics' targets. Equations as in losses.h.
#pragma once

#include "learner/core/cuda/discriminator_stages.h"
#include "learner/core/cuda/portable.h"
#include "learner/core/cuda/step_arguments.h"

namespace estuary::learner::cuda {

// V(s') of a row of the batch and what the policy's action there is worth, blended.
template <typename T>
ESTUARY_DEVICE inline T BlendedValue(const StepArguments<T>& s, int seed, int64_t row, T value) {
  const T* next = s.next_value_pass.outputs[s.value.layers - 1] + seed * s.settings.rows();
  return Lerp(value, next[row], static_cast<T>(s.settings.exploit));
}

// A part of the critics' losses, by a block of threads a seed; false where the loss is not sound.
template <typename T>
struct ValueLoss {
  const StepArguments<T>& s;

  template <typename Team>
  ESTUARY_DEVICE bool operator()(Team& team, int seed) const {
    const StepSettings& c = s.settings;
    const int64_t n = c.real, first = int64_t{seed} * n;
    const T* v = s.value_pass.outputs[s.value.layers - 1] + first;
    T* gradient = s.value_pass.gradients[s.value.layers - 1] + first;
    const T* q =
        s.target_pass.outputs[s.targets.layers - 1] + int64_t{seed} * 2 * s.target_rows + c.rows();
    const T part = T(1) / static_cast<T>(n), expectile = static_cast<T>(c.expectile);
    const auto delta_of = [&](int64_t r) { return MinOfTwins(q[r], q[s.target_rows + r]) - v[r]; };
    const auto weight_of = [&](T delta) { return delta < 0 ? T(1) - expectile : expectile; };
    const T loss = part * team.template Sum<T>(n, [&](int64_t r) {
      const T delta = delta_of(r);
      return delta * delta * weight_of(delta);
    });
    team.ForEach(n, [&](int64_t r) {
      const T delta = delta_of(r);
      gradient[r] = -2 * part * weight_of(delta) * delta;
    });
    team.Once([&] {
      if (s.state[seed].halted == 0) s.losses[seed * kLosses + kLossValue] = loss;
    });
    return Sound(loss);
  }
};

}  // namespace estuary::learner::cuda
