// Everything one gradient step reads and writes, as plain memory on the device, for all seeds that
// train side by side. The host fills it in once (workspace.h); kernels get it by value.
//
// Layout: a buffer's dimensions stand beside it, seeds first. A group of parameters is [seeds,
// size], each seed's part in the order of ParameterGroup (net_layout.h).
#pragma once

#include <cstdint>

#include "learner/core/cuda/portable.h"

namespace estuary::learner::cuda {

inline constexpr int kMaxLayers = 8;

// A net's shape and where its layers begin in its group; of twins, where the first begins, the
// second's layer follows.
struct NetLayout {
  int layers = 0;
  int twins = 1;
  int sizes[kMaxLayers + 1] = {};
  int weight[kMaxLayers] = {};
  int bias[kMaxLayers] = {};
};

template <typename T>
struct GroupBuffers {
  int size = 0;
  T* values = nullptr;
  T* gradient = nullptr;
  T* first_moment = nullptr;
  T* second_moment = nullptr;
};

// What a net's layers put out for `rows` inputs, [seeds, twins, rows, units] each, and, where it is
// trained, the gradients of those.
template <typename T>
struct Pass {
  int rows = 0;
  T* outputs[kMaxLayers] = {};
  T* gradients[kMaxLayers] = {};
};

// A replay's rows [size, width] as they lie, the oldest at place `oldest`.
struct ReplayView {
  const float* rows = nullptr;
  int64_t size = 0;
  int64_t oldest = 0;
  // Not negative: rows are drawn in order, from place `next` at the step after `first_step`.
  int64_t next = -1;
  uint64_t first_step = 0;
};

// Losses as they stand in a seed's record.
enum LossIndex {
  kLossSa,
  kLossSas,
  kLossPolicy,
  kLossAlpha,
  // Two each, one a critic.
  kLossTdReal,
  kLossTdSim = kLossTdReal + 2,
  kLossTd = kLossTdSim + 2,
  kLossRegularizer = kLossTd + 2,
  kLossValue = kLossRegularizer + 2,
  kLosses,
};

struct SeedState {
  uint64_t seed = 0;
  uint64_t steps_done = 0;
  // Set by the step whose losses are not sound: of the discriminators, of the rest. From there on
  // nothing of this seed is updated.
  int discriminators_failed = 0;
  int rest_failed = 0;
  // Of the step that runs: failed before it began.
  int halted = 0;
  // What Adam multiplies by, its first correction included, and the root of its second.
  double learning_rate = 0;
  double rate = 0;
  double discriminator_rate = 0;
  double root_correction2 = 1;
};

// How products multiply float32; float64 is always multiplied as it is (product.h).
enum class Arithmetic { kPlain, kTensor1, kTensor3 };

enum class PenaltyKind { kNone, kLogSumExp, kMean, kCql };

struct StepSettings {
  int seeds, observation, action;
  // [s, a, s', r, terminal] and [s, a, s'].
  int width, sas;
  // Rows of critics and policy.
  int real, sim;
  // Rows of each source for the discriminators; 0: there are none.
  int discriminator_rows;
  // Next states a simulated row is judged at: as it is (0 or 1), and with noise.
  int exact, noisy;
  // The noisy ones come from the model of the dynamics, and u is the reverse gap's (eq. 36).
  bool modelled;
  // H2O+'s net V: in the targets with this weight, learning this expectile.
  bool has_value;
  double exploit, expectile;
  // CQL's actions of each of three kinds.
  int cql;
  bool difference, uniform_gap, gap_penalty, weighted, shaped, backup_entropy, fixed_log_std;
  PenaltyKind penalty;
  Arithmetic arithmetic;
  double discount, tau, min_q_weight, ratio_min, ratio_max, gap_min, gap_max, shaping_clip;
  double discriminator_noise, target_entropy, log_std_min, log_std_max, policy_average;
  double discriminator_learning_rate, learning_rate, learning_rate_final_fraction;
  // Steps with the whole rate, and of the whole run.
  double constant_steps, total_steps;
  // Places of single numbers in the main group, and where its critics begin.
  int multiplier, offset, log_alpha, critics;

  ESTUARY_DEVICE int rows() const { return real + sim; }
};

// An explicit batch, in place of drawn numbers, for every seed the same; null: drawn. Raw rows are
// [rows, width] and [2 m, sas].
template <typename T>
struct GivenBatch {
  const T* rows = nullptr;
  const T* discriminator_rows = nullptr;
  const T* discriminator_noise = nullptr;
  const T* policy_noise = nullptr;
  const T* next_policy_noise = nullptr;
  const T* next_state_noise = nullptr;
  const T* cql_current_noise = nullptr;
  const T* cql_next_noise = nullptr;
  const T* cql_uniform = nullptr;
};

template <typename T>
struct StepArguments {
  StepSettings settings;
  NetLayout policy, critics, targets, sa, sas;
  // Where the algorithm has them; the model of the dynamics is a group that no step changes.
  NetLayout value, model;
  GroupBuffers<T> main, target_group, discriminators, model_group;
  // The policy's exponential average, [seeds, settings.critics].
  T* average;

  SeedState* state;        // [seeds]
  const ReplayView* real;  // [seeds]
  const ReplayView* sim;   // [seeds]
  GivenBatch<T> given;
  const T* row_scale;  // [width]
  const T* row_shift;
  const T* sas_scale;  // [sas]
  const T* sas_shift;
  const T* state_std;  // [observation]
  // From what the model of the dynamics predicts to what the discriminators see: the whole of it,
  // or what is between s and s'. [observation]
  const T* model_scale;
  const T* model_shift;

  // Inputs. Critics train on [q_rows] = the batch and, with CQL, 3 k sampled actions a real row.
  // Targets are asked at [target_rows] = s' of the batch and, with V, the real rows' own s and a.
  int q_rows, target_rows;
  T* rows;                  // [seeds, rows, width], scaled
  T* critic_inputs;         // [seeds, q_rows, o + a]
  T* policy_inputs;         // [seeds, rows, o + a], with the policy's action at s
  T* target_inputs;         // [seeds, target_rows, o + a]
  T* discriminator_inputs;  // [seeds, 2 m, sas]
  T* dynamics_inputs;       // [seeds, sim (exact + noisy), sas]
  T* policy_noise;          // [seeds, rows, action]
  T* next_policy_noise;
  T* cql_noise;  // [seeds, real, 2 k, action]: at s', at s

  // Of the step.
  Pass<T> policy_pass, next_policy_pass;  // At s and s'.
  Pass<T> critic_pass, policy_critic_pass, target_pass, sa_pass, sas_pass, dynamics_pass;
  Pass<T> value_pass;       // V at s of the real rows.
  Pass<T> next_value_pass;  // At s' of all.
  Pass<T> model_pass;       // At (s, a) of the simulated rows.
  T* log_prob;              // [seeds, rows]
  T* next_log_prob;
  T* cql_log_density;  // [seeds, real, 3 k]
  T* action_gradient;  // [seeds, 2, rows, action]
  T* sa_logits;        // [seeds, 2 m, 2], bounded
  T* sas_logits;       // the same plus sa_logits
  T* log_ratio;        // [seeds, sim]
  T* ratio;
  T* u;
  T* omega;
  T* target;  // [seeds, rows]
  T* losses;  // [seeds, kLosses]
};

}  // namespace estuary::learner::cuda
