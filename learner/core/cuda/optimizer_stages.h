// Adam over a whole group of parameters, one thread a number; in the main group the policy's
// average and the target critics follow in the same pass. Nothing moves where a loss was not sound.
#pragma once

#include "learner/core/cuda/portable.h"
#include "learner/core/cuda/step_arguments.h"

namespace estuary::learner::cuda {

// Adam as learner/core/adam.h; returns the new value.
template <typename T>
ESTUARY_DEVICE inline T AdamStep(const GroupBuffers<T>& group, int64_t i, double rate,
                                 double root_correction2) {
  const T g = group.gradient[i];
  T& first = group.first_moment[i];
  T& second = group.second_moment[i];
  first = Lerp(first, g, T(0.1));
  second = second * T(0.999) + T(0.001) * g * g;
  const T denominator = std::sqrt(second) / static_cast<T>(root_correction2) + T(1e-8);
  return group.values[i] += static_cast<T>(rate) * (first / denominator);
}

template <typename T>
struct DiscriminatorAdam {
  StepArguments<T> s;

  ESTUARY_DEVICE int64_t count() const { return int64_t{s.settings.seeds} * s.discriminators.size; }
  ESTUARY_DEVICE void operator()(int64_t i) const {
    const SeedState& state = s.state[i / s.discriminators.size];
    if (state.halted != 0 || state.discriminators_failed != 0) return;
    AdamStep(s.discriminators, i, state.discriminator_rate, state.root_correction2);
  }
};

template <typename T>
struct MainAdam {
  StepArguments<T> s;

  ESTUARY_DEVICE int64_t count() const { return int64_t{s.settings.seeds} * s.main.size; }
  ESTUARY_DEVICE void operator()(int64_t i) const {
    const StepSettings& c = s.settings;
    const int64_t seed = i / s.main.size, place = i % s.main.size;
    SeedState& state = s.state[seed];
    if (state.halted != 0 || state.discriminators_failed != 0 || state.rest_failed != 0) return;
    const T value = AdamStep(s.main, i, state.rate, state.root_correction2);
    if (place < c.critics) {
      if (c.policy_average < 1) {
        T& average = s.average[seed * c.critics + place];
        average = Lerp(average, value, static_cast<T>(c.policy_average));
      }
    } else if (place < c.critics + s.target_group.size) {
      T& target = s.target_group.values[seed * s.target_group.size + place - c.critics];
      target = Lerp(target, value, static_cast<T>(c.tau));
    }
    // No other thread of this kernel reads it.
    if (place == 0) state.steps_done += 1;
  }
};

}  // namespace estuary::learner::cuda
