// The equations, one function each, named and ordered as in the paper (H2O, arXiv 2206.13464) and
// in algorithms.md. Pure functions of tensors of any floating type on any device; nothing here
// knows of nets, replays or optimisers.
//
// Shapes: n transitions a source; a leading 2 is the two critics, so q is [2, n]. Discriminator
// logits are [..., 2]: column kReal, column kSim.
//
// Trap: what the equations treat as a constant (targets, weights, omega) must come in without a
// graph; the functions do not detach.
#pragma once

#include <ATen/core/Tensor.h>

namespace estuary::learner {

// Columns of the discriminators' outputs, and labels of their training rows.
inline constexpr int64_t kRealColumn = 0;
inline constexpr int64_t kSimColumn = 1;

// --- The tanh-Gaussian policy
// ---------------------------------------------------------------------

// The pre-squash Gaussian, [rows, action] each.
struct GaussianHead {
  at::Tensor mean;
  at::Tensor log_std;
};

struct PolicySample {
  // tanh(mean + sigma * noise), the noise's shape.
  at::Tensor action;
  // log pi(action | s), the noise's shape without its last dimension.
  at::Tensor log_prob;
};

// Splits the last layer's output [rows, 2 * action]: log sigma = clamp(m * raw + o, min, max).
GaussianHead SplitHead(const at::Tensor& output, const at::Tensor& log_std_multiplier,
                       const at::Tensor& log_std_offset, double log_std_min, double log_std_max);

// tanh(mean + sigma * noise).
at::Tensor SquashedAction(const GaussianHead& head, const at::Tensor& noise);

// The same with its log density: sum log N(u) - sum log(1 - tanh(u)^2), the last in the stable form
// 2 (log 2 - u - softplus(-2 u)).
PolicySample SamplePolicy(const GaussianHead& head, const at::Tensor& noise);

// --- Discriminators and the dynamics ratio (eq. 7)
// ------------------------------------------------

// The nets' last activation: 2 tanh(.).
at::Tensor BoundedLogits(const at::Tensor& output);

// -mean log c(real | real rows) - mean log c(sim | sim rows), for as many rows of each; `labels`
// [rows] int64 says which is which.
at::Tensor DiscriminatorLoss(const at::Tensor& logits, const at::Tensor& labels);

// log P_M(s'|s,a) / P_sim(s'|s,a) = z_sas,real - z_sas,sim: in eq. 7's quotient of softmaxes z_sa
// cancels exactly.
at::Tensor DynamicsLogRatio(const at::Tensor& z_sas);

// w = clamp(ratio, min, max).
at::Tensor ClampedRatio(const at::Tensor& log_ratio, double min, double max);

// --- Dynamics gap (eq. 33)
// ------------------------------------------------------------------------

// u = clamp(-mean over N of the log ratio [n, N], min, max).
at::Tensor DynamicsGap(const at::Tensor& log_ratio, double min, double max);

// omega = u / sum u, and its logarithm, finite down to u = 1e-45.
at::Tensor GapWeights(const at::Tensor& u);
at::Tensor LogGapWeights(const at::Tensor& u);

// --- Reverse gap (eq. 36) and the model of the real dynamics that it samples
// ------------------------------------------------------------------------

// A Gaussian over s' - s in units of D's: minus its mean, over its standard deviation.
struct DynamicsPrediction {
  at::Tensor mean;
  at::Tensor log_variance;
};

// Splits the net's output [rows, 2 * observation]; the log variance is bounded softly to
// [-10, 0.5], as in MOPO.
DynamicsPrediction SplitPrediction(const at::Tensor& output);

// Minus the mean log likelihood of the differences, summed over dimensions, less its constant.
at::Tensor DynamicsModelLoss(const DynamicsPrediction& prediction, const at::Tensor& difference);

// mean + sigma * noise, for noise [rows, N, observation].
at::Tensor SampledDifference(const DynamicsPrediction& prediction, const at::Tensor& noise);

// u = clamp(mean over N of the log ratio [n, N] at the model's next states, min, max).
at::Tensor ReverseDynamicsGap(const at::Tensor& log_ratio, double min, double max);

// --- Critics (eqs. 6 and 8)
// -----------------------------------------------------------------------

// y = r + gamma (1 - d) v(s').
at::Tensor BellmanTarget(const at::Tensor& reward, const at::Tensor& terminal, double discount,
                         const at::Tensor& next_value);

// mean (Q - y)^2 per critic, [2].
at::Tensor TemporalDifference(const at::Tensor& q, const at::Tensor& target);
// mean w (Q - y)^2 per critic, [2].
at::Tensor WeightedTemporalDifference(const at::Tensor& q, const at::Tensor& target,
                                      const at::Tensor& weight);

// clamp(log sum_sim omega exp Q - mean_real Q, +-1000) per critic, [2].
at::Tensor LogSumExpRegularizer(const at::Tensor& q_sim, const at::Tensor& q_real,
                                const at::Tensor& log_omega);
// H2O(v): clamp(sum_sim omega Q - mean_real Q, +-1000).
at::Tensor MeanRegularizer(const at::Tensor& q_sim, const at::Tensor& q_real,
                           const at::Tensor& omega);

// CQL(H), importance-sampled: mean over n of log sum exp over every sampled action of
// (Q - log density), minus mean Q of the data's actions. q_sampled [2, n, 3 k], log_density [n, 3
// k].
at::Tensor CqlRegularizer(const at::Tensor& q_sampled, const at::Tensor& log_density,
                          const at::Tensor& q_data);
// Of an action uniform in [-1, 1]^action_dim.
double LogUniformDensity(int64_t action_dim);

// --- H2O+ (arXiv 2309.12716)
// -----------------------------------------------------------------------

// mean |expectile - 1(delta < 0)| delta^2, delta = target - V.
at::Tensor ExpectileLoss(const at::Tensor& v, const at::Tensor& target, double expectile);

// exploit V(s') + (1 - exploit) v(s'), what stands for the value of s' in the targets.
at::Tensor BlendedValue(const at::Tensor& next_v, const at::Tensor& next_value, double exploit);

// --- Policy and temperature
// -----------------------------------------------------------------------

// mean (alpha log pi(a|s) - min Q(s, a)).
at::Tensor PolicyLoss(const at::Tensor& alpha, const at::Tensor& log_prob, const at::Tensor& min_q);

// -log alpha (mean log pi + target entropy).
at::Tensor TemperatureLoss(const at::Tensor& log_alpha, const at::Tensor& log_prob,
                           double target_entropy);

}  // namespace estuary::learner
