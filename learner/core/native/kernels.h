// Every loop of the native engine that is not a matrix product, compiled once for each kind of
// processor from one source (kernels.inc) and chosen at run time. Plain C++ that the compiler
// vectorises.
//
// Terms: rows are `ld` floats apart, ld a multiple of kLanes, and padded with zeros. A *planar*
// array has one column after the other, `ld` apart: what nets put out, so that loops over rows are
// contiguous. Counts called `padded` are multiples of kLanes; what lies in the padding is computed
// along.
//
// exp, log, tanh and softplus are within 2 units in the last place or so of float32; NaN stays NaN.
//
// A source of kernels includes nothing of the standard library: inline functions compiled for a
// newer processor must not leak into the rest of the program.
#pragma once

namespace estuary::learner::native {

// out[rows][columns] (+)= in[rows][depth] * weight[depth][columns], row after row. `in` may be
// stored transposed, [depth][rows].
struct ProductShape {
  int rows = 0;
  int columns = 0;
  int depth = 0;
  long in_ld = 0;
  long weight_ld = 0;
  long out_ld = 0;
  bool in_transposed = false;
  bool accumulate = false;
};

// xoshiro128++ in 16 lanes side by side.
struct RandomLanes {
  unsigned state[4][16];
};

struct AdamRates {
  // learning rate / (1 - beta1^t), and 1 / sqrt(1 - beta2^t).
  float rate;
  float root_correction;
};

// One pass over the planar outputs of the policy, `padded` rows of each action dimension.
struct PolicyRows {
  int padded;
  int action_dim;
  // Between the planes of every array below.
  long ld;
  const float* mean;
  const float* raw;
  const float* noise;
  float multiplier;
  float offset;
  float log_std_min;
  float log_std_max;
  float* action;
  // One plane; may be null.
  float* log_prob;
};

// The gradient of mean(alpha log pi - min Q) with respect to the policy's outputs.
struct PolicyGradientRows {
  PolicyRows forward;
  // Of rows that count; the others' gradients are 0.
  int rows;
  float alpha;
  // d min Q / d action, planes.
  const float* action_gradient;
  float* mean_gradient;
  float* raw_gradient;
  // Sums over all rows and dimensions.
  float multiplier_gradient;
  float offset_gradient;
};

// Planes of both discriminators' bounded logits (z_real, z_sim each), in place turned into the
// gradients with respect to their last layers' outputs, and the rows' losses.
struct DiscriminatorRows {
  int padded;
  int rows;
  long ld;
  // +1: real rows, -1: simulated ones.
  const float* label;
  // 1 / rows of one source.
  float scale;
  float* sa;
  float* sas;
  float* sa_loss;
  float* sas_loss;
};

// out = in * scale + shift + noise_std * noise, for `count` rows of `width` numbers that lie apart.
struct ScaledRows {
  const float* const* in;
  int count;
  int width;
  const float* scale;
  const float* shift;
  // Rows of `width` numbers; null: none.
  const float* noise;
  float noise_std;
  float* out;
  long out_ld;
};

struct Kernels {
  const char* name;

  void (*product)(const ProductShape& shape, const float* in, const float* weight, float* out);

  // `blocks` times 32 standard normal numbers.
  void (*normals)(RandomLanes& lanes, float* out, long blocks);
  // `blocks` times 16 random words.
  void (*words)(RandomLanes& lanes, unsigned* out, long blocks);

  void (*relu)(float* x, long padded);
  // Rows of `group` share a row of `base`: x = relu(x + base).
  void (*relu_with_base)(float* x, const float* base, int groups, int group, long ld);
  // gradient = 0 where h <= 0. `rows` names the row of h for each row of the gradient; null: its
  // own.
  void (*mask)(float* gradient, const float* h, long ld, int count, const int* rows);
  // out = (sum over k of plane k of g * row k of w), 0 where h <= 0. Row r reads h and g at
  // rows[r].
  void (*outer_masked)(const float* g, long g_ld, int planes, const float* w, long w_ld,
                       const float* h, long ld, int count, const int* rows, float* out);
  // Plane k of out, at row r: dot of row r of h with row k of w, over `padded` floats.
  void (*row_dots)(const float* h, long h_ld, int rows, const float* w, long w_ld, long padded,
                   int planes, float* out, long out_ld);
  // The same of relu(h), whose whole rows count; where `store`, h becomes relu(h).
  void (*relu_row_dots)(float* h, long h_ld, int rows, const float* w, long w_ld, int planes,
                        float* out, long out_ld, bool store);
  void (*scale_rows)(const ScaledRows& rows);
  void (*transpose)(const float* in, long in_ld, int rows, int columns, float* out, long out_ld);

  // Adam with betas 0.9 and 0.999, epsilon 1e-8. Where `follower` is not null it moves towards the
  // new values by `follow`.
  void (*adam)(float* value, const float* gradient, float* first, float* second, long padded,
               const AdamRates& rates, float* follower, float follow);

  // 2 tanh(x).
  void (*bound)(float* x, long padded);
  // out = 2 tanh(real) - 2 tanh(sim).
  void (*log_ratio)(const float* real, const float* sim, float* out, long padded);
  void (*policy)(const PolicyRows& rows);
  void (*policy_gradient)(PolicyGradientRows& rows);
  void (*discriminator)(const DiscriminatorRows& rows);
  void (*exp)(const float* x, float* out, long padded);
  void (*log)(const float* x, float* out, long padded);
  void (*softplus)(const float* x, float* out, long padded);
};

// The fastest set for this processor; ESTUARY_NATIVE_KERNELS=generic|avx2|avx512 in the environment
// names a lesser one.
const Kernels& BestKernels();

}  // namespace estuary::learner::native
