// The discriminators' loss with its gradient, a block of threads a seed.
#pragma once

#include "learner/core/cuda/portable.h"
#include "learner/core/cuda/step_arguments.h"

namespace estuary::learner::cuda {

inline constexpr double kLossBound = 1e12;

// True where `loss` is a number within the bound.
template <typename T>
ESTUARY_DEVICE inline bool Sound(T loss) {
  return std::abs(loss) <= T(kLossBound);
}

// Of logits (x, y) with the truth `label` (0 or 1): -log softmax, and the softmax less the truth.
template <typename T>
struct CrossEntropy {
  T loss;
  T gradient[2];

  ESTUARY_DEVICE CrossEntropy(T x, T y, int label) {
    const T greatest = Max(x, y);
    const T ex = std::exp(x - greatest), ey = std::exp(y - greatest), sum = ex + ey;
    loss = std::log(sum) - ((label == 0 ? x : y) - greatest);
    gradient[0] = ex / sum - (label == 0 ? T(1) : T(0));
    gradient[1] = ey / sum - (label == 1 ? T(1) : T(0));
  }
};

template <typename T>
struct DiscriminatorLoss {
  StepArguments<T> s;

  template <typename Team>
  ESTUARY_DEVICE void operator()(Team& team, int seed) const {
    const int64_t m = s.settings.discriminator_rows, first = int64_t{seed} * 2 * m;
    const T part = T(1) / static_cast<T>(m);
    const T* sa = s.sa_pass.outputs[s.sa.layers - 1] + 2 * first;
    const T* sas = s.sas_pass.outputs[s.sas.layers - 1] + 2 * first;
    T* sa_gradient = s.sa_pass.gradients[s.sa.layers - 1] + 2 * first;
    T* sas_gradient = s.sas_pass.gradients[s.sas.layers - 1] + 2 * first;
    T* sa_logits = s.sa_logits + 2 * first;
    T* sas_logits = s.sas_logits + 2 * first;
    team.ForEach(2 * m, [&](int64_t r) {
      // Real rows first, and real is column 0.
      const int label = r < m ? 0 : 1;
      T z[2], bounded[2], slope_sa[2], slope_sas[2];
      for (int j = 0; j < 2; ++j) {
        const T tanh_sa = std::tanh(sa[2 * r + j]), tanh_sas = std::tanh(sas[2 * r + j]);
        z[j] = 2 * tanh_sa;
        // c_sas = softmax(z_sas + z_sa): its loss reaches d_sa too.
        bounded[j] = 2 * tanh_sas + z[j];
        slope_sa[j] = 2 * (1 - tanh_sa * tanh_sa);
        slope_sas[j] = 2 * (1 - tanh_sas * tanh_sas);
      }
      const CrossEntropy<T> of_sa(z[0], z[1], label), of_sas(bounded[0], bounded[1], label);
      for (int j = 0; j < 2; ++j) {
        sa_logits[2 * r + j] = z[j];
        sas_logits[2 * r + j] = bounded[j];
        sa_gradient[2 * r + j] = part * (of_sa.gradient[j] + of_sas.gradient[j]) * slope_sa[j];
        sas_gradient[2 * r + j] = part * of_sas.gradient[j] * slope_sas[j];
      }
    });
    const auto loss_of = [&](const T* logits) {
      return part * team.template Sum<T>(2 * m, [&](int64_t r) {
        return CrossEntropy<T>(logits[2 * r], logits[2 * r + 1], r < m ? 0 : 1).loss;
      });
    };
    const T loss_sa = loss_of(sa_logits), loss_sas = loss_of(sas_logits);
    team.Once([&] {
      SeedState& state = s.state[seed];
      if (state.halted != 0) return;
      s.losses[seed * kLosses + kLossSa] = loss_sa;
      s.losses[seed * kLosses + kLossSas] = loss_sas;
      if (!Sound(loss_sa) || !Sound(loss_sas)) state.discriminators_failed = 1;
    });
  }
};

}  // namespace estuary::learner::cuda
