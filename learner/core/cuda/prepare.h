// The first kernel of a step: draws rows and noise, or takes them as given, and lays out every
// net's input. Each number is computed alone from what is in memory, so nothing waits for anything.
#pragma once

#include "learner/core/cuda/philox.h"
#include "learner/core/cuda/step_arguments.h"

namespace estuary::learner::cuda {

template <typename T>
struct Prepare {
  StepArguments<T> s;

  // Numbers a seed.
  ESTUARY_DEVICE int64_t PerSeed() const {
    const StepSettings& c = s.settings;
    const int64_t noise = int64_t{c.real + c.sim} * c.action;
    return 1 + RowNumbers() + 2 * noise + DiscriminatorNumbers() + DynamicsNumbers() + 3 * Cql();
  }
  ESTUARY_DEVICE int64_t count() const { return s.settings.seeds * PerSeed(); }

  ESTUARY_DEVICE void operator()(int64_t index) const {
    const StepSettings& c = s.settings;
    const int seed = static_cast<int>(index / PerSeed());
    int64_t i = index % PerSeed();
    const int64_t noise = int64_t{c.real + c.sim} * c.action;
    if (i == 0) return Begin(seed);
    i -= 1;
    if (i < RowNumbers()) return Row(seed, i);
    i -= RowNumbers();
    if (i < noise) {
      s.policy_noise[seed * noise + i] = Noise(seed, Stream::kPolicyNoise, s.given.policy_noise, i);
      return;
    }
    i -= noise;
    if (i < noise) {
      s.next_policy_noise[seed * noise + i] =
          Noise(seed, Stream::kNextPolicyNoise, s.given.next_policy_noise, i);
      return;
    }
    i -= noise;
    if (i < DiscriminatorNumbers()) return Discriminator(seed, i);
    i -= DiscriminatorNumbers();
    if (i < DynamicsNumbers()) return Dynamics(seed, i);
    CqlAction(seed, i - DynamicsNumbers());
  }

 private:
  ESTUARY_DEVICE int64_t RowNumbers() const {
    return int64_t{s.settings.real + s.settings.sim} * s.settings.width;
  }
  ESTUARY_DEVICE int64_t DiscriminatorNumbers() const {
    return int64_t{2} * s.settings.discriminator_rows * s.settings.sas;
  }
  ESTUARY_DEVICE int64_t DynamicsNumbers() const {
    return int64_t{s.settings.sim} * (s.settings.exact + s.settings.noisy) * s.settings.sas;
  }
  // CQL's numbers of each kind of action.
  ESTUARY_DEVICE int64_t Cql() const {
    return int64_t{s.settings.real} * s.settings.cql * s.settings.action;
  }

  ESTUARY_DEVICE Random Numbers(int seed) const {
    return Random(s.state[seed].seed, s.state[seed].steps_done);
  }

  // What the optimisers need to know of this step. Nothing else in this kernel reads it.
  ESTUARY_DEVICE void Begin(int seed) const {
    const StepSettings& c = s.settings;
    SeedState& state = s.state[seed];
    state.halted = state.discriminators_failed + state.rest_failed;
    const double done = static_cast<double>(state.steps_done);
    state.learning_rate = c.learning_rate;
    if (done > c.constant_steps && c.total_steps > c.constant_steps) {
      const double part = Min(1.0, (done - c.constant_steps) / (c.total_steps - c.constant_steps));
      state.learning_rate = c.learning_rate * (1 + part * (c.learning_rate_final_fraction - 1));
    }
    const double correction1 = 1 - std::pow(0.9, done + 1);
    state.rate = -state.learning_rate / correction1;
    state.discriminator_rate = -c.discriminator_learning_rate / correction1;
    state.root_correction2 = std::sqrt(1 - std::pow(0.999, done + 1));
  }

  ESTUARY_DEVICE T Noise(int seed, Stream stream, const T* given, int64_t i) const {
    return given != nullptr ? given[i] : Numbers(seed).template Normal<T>(stream, i);
  }

  // In order, a step takes `rows` for the critics first, then the discriminators'; `skipped` of
  // them are not this use's.
  ESTUARY_DEVICE T Drawn(const ReplayView& replay, int seed, Stream stream, int64_t row, int column,
                         int64_t rows, int64_t skipped) const {
    int64_t place;
    if (replay.next >= 0) {
      const int64_t a_step = rows + s.settings.discriminator_rows;
      const uint64_t steps = s.state[seed].steps_done - replay.first_step;
      place = replay.next + static_cast<int64_t>(steps) * a_step + skipped + row;
    } else {
      place = replay.oldest + Numbers(seed).Index(stream, row, replay.size);
      if (place >= replay.size) place -= replay.size;
    }
    return static_cast<T>(replay.rows[place * s.settings.width + column]);
  }

  // Column of row `r` of the batch, as recorded.
  ESTUARY_DEVICE T Raw(int seed, int64_t r, int column) const {
    const StepSettings& c = s.settings;
    if (s.given.rows != nullptr) return s.given.rows[r * c.width + column];
    if (r < c.real) return Drawn(s.real[seed], seed, Stream::kRealRows, r, column, c.real, 0);
    return Drawn(s.sim[seed], seed, Stream::kSimRows, r - c.real, column, c.sim, 0);
  }
  ESTUARY_DEVICE T RawDiscriminator(int seed, int64_t r, int column) const {
    const StepSettings& c = s.settings;
    if (s.given.discriminator_rows != nullptr) {
      return s.given.discriminator_rows[r * c.sas + column];
    }
    const int64_t m = c.discriminator_rows;
    if (r < m) {
      return Drawn(s.real[seed], seed, Stream::kRealDiscriminatorRows, r, column, c.real, c.real);
    }
    return Drawn(s.sim[seed], seed, Stream::kSimDiscriminatorRows, r - m, column, c.sim, c.sim);
  }

  // Column of a discriminator's input; `raw(column)` is the row's.
  template <typename Raw>
  ESTUARY_DEVICE T Sas(int column, Raw raw) const {
    const int next = s.settings.observation + s.settings.action;
    T value = raw(column);
    if (s.settings.difference && column >= next) value -= raw(column - next);
    return value * s.sas_scale[column] + s.sas_shift[column];
  }

  ESTUARY_DEVICE void Row(int seed, int64_t i) const {
    const StepSettings& c = s.settings;
    const int64_t rows = c.real + c.sim, r = i / c.width;
    const int column = static_cast<int>(i % c.width), sa = c.observation + c.action;
    const T value = Raw(seed, r, column) * s.row_scale[column] + s.row_shift[column];
    s.rows[seed * RowNumbers() + i] = value;
    if (column < sa) s.critic_inputs[(int64_t{seed} * s.q_rows + r) * sa + column] = value;
    if (column < c.observation) {
      s.policy_inputs[(seed * rows + r) * sa + column] = value;
      // The states of CQL's actions.
      if (c.cql > 0 && r < c.real) {
        for (int64_t j = 0; j < 3 * c.cql; ++j) {
          s.critic_inputs[(int64_t{seed} * s.q_rows + rows + r * 3 * c.cql + j) * sa + column] =
              value;
        }
      }
    }
    if (column >= sa && column < c.sas) {
      s.target_inputs[(int64_t{seed} * s.target_rows + r) * sa + column - sa] = value;
    }
    // V learns from the target critics at the data's own actions.
    if (c.has_value && r < c.real && column < sa) {
      s.target_inputs[(int64_t{seed} * s.target_rows + rows + r) * sa + column] = value;
    }
  }

  ESTUARY_DEVICE void Discriminator(int seed, int64_t i) const {
    const int64_t r = i / s.settings.sas;
    const T value = Sas(static_cast<int>(i % s.settings.sas),
                        [&](int column) { return RawDiscriminator(seed, r, column); });
    const T noise = Noise(seed, Stream::kDiscriminatorNoise, s.given.discriminator_noise, i);
    s.discriminator_inputs[seed * DiscriminatorNumbers() + i] =
        value + static_cast<T>(s.settings.discriminator_noise) * noise;
  }

  ESTUARY_DEVICE void Dynamics(int seed, int64_t i) const {
    const StepSettings& c = s.settings;
    const int column = static_cast<int>(i % c.sas), variants = c.exact + c.noisy;
    const int64_t row = i / c.sas / variants;
    const int variant = static_cast<int>(i / c.sas % variants);
    T& input = s.dynamics_inputs[seed * DynamicsNumbers() + i];
    const auto recorded = [&] {
      return Sas(column, [&](int at) { return Raw(seed, c.real + row, at); });
    };
    const int o = column - c.observation - c.action;
    if (variant < c.exact || o < 0) {
      input = recorded();
      return;
    }
    const int64_t at = (row * c.noisy + variant - c.exact) * c.observation + o;
    const T noise = Noise(seed, Stream::kNextStateNoise, s.given.next_state_noise, at);
    // The model's samples take the place of their noise once it is asked (SampledNextStates).
    input = c.modelled ? noise : recorded() + noise * (s.state_std[o] * s.sas_scale[column]);
  }

  // Uniform actions go to the critics as they are; of the policy's, the noise.
  ESTUARY_DEVICE void CqlAction(int seed, int64_t i) const {
    const StepSettings& c = s.settings;
    const int64_t kind = i / Cql(), at = i % Cql();
    const int64_t row = at / (int64_t{c.cql} * c.action), j = at / c.action % c.cql;
    const int action = static_cast<int>(at % c.action), sa = c.observation + c.action;
    if (kind == 0) {
      const T value = s.given.cql_uniform != nullptr
                          ? s.given.cql_uniform[at]
                          : Numbers(seed).template Symmetric<T>(Stream::kCqlUniform, at);
      const int64_t input = c.real + c.sim + row * 3 * c.cql + j;
      s.critic_inputs[(int64_t{seed} * s.q_rows + input) * sa + c.observation + action] = value;
      return;
    }
    const bool next = kind == 1;
    const T noise = next ? Noise(seed, Stream::kCqlNextNoise, s.given.cql_next_noise, at)
                         : Noise(seed, Stream::kCqlCurrentNoise, s.given.cql_current_noise, at);
    const int64_t place = (int64_t{seed} * c.real + row) * 2 * c.cql + (next ? 0 : c.cql) + j;
    s.cql_noise[place * c.action + action] = noise;
  }
};

}  // namespace estuary::learner::cuda
