// The next states that H2O-Reverse-KL judges: samples of the model of the real dynamics, in the
// place of the noise that Prepare left there. Equations as in losses.h.
#pragma once

#include "learner/core/cuda/portable.h"
#include "learner/core/cuda/step_arguments.h"
#include "learner/core/log_variance.h"

namespace estuary::learner::cuda {

// One thread a dimension of a simulated row, for all samples of it.
template <typename T>
struct SampledNextStates {
  StepArguments<T> s;

  ESTUARY_DEVICE int64_t count() const {
    return int64_t{s.settings.seeds} * s.settings.sim * s.settings.observation;
  }

  ESTUARY_DEVICE void operator()(int64_t index) const {
    const StepSettings& c = s.settings;
    const int o = static_cast<int>(index % c.observation);
    const int64_t row = index / c.observation;  // Of all seeds' simulated rows.
    const T* head = s.model_pass.outputs[s.model.layers - 1] + row * 2 * c.observation;
    const T low = static_cast<T>(kLeastLogVariance), high = static_cast<T>(kGreatestLogVariance);
    const T below = high - Softplus(high - head[c.observation + o]);
    const T log_variance = low + Softplus(below - low);
    const T mean = head[o], sigma = std::exp(T(0.5) * log_variance);
    // A scaled difference is what the discriminators see; otherwise it is added to s.
    T start = s.model_shift[o];
    if (!c.difference) {
      const int64_t seed = row / c.sim, in_batch = c.real + row % c.sim;
      start += s.rows[(seed * c.rows() + in_batch) * c.width + o];
    }
    const int variants = c.exact + c.noisy;
    T* next = s.dynamics_inputs + row * variants * c.sas + c.observation + c.action + o;
    for (int v = c.exact; v < variants; ++v) {
      T& place = next[v * c.sas];
      place = start + (mean + sigma * place) * s.model_scale[o];
    }
  }
};

}  // namespace estuary::learner::cuda
