// Every net of an algorithm, over groups of parameters: one for what follows the scheduled learning
// rate (policy, critics, temperature, V), one for the critics' targets, one for the discriminators,
// one for the model of the dynamics, which no step changes.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <vector>

#include "learner/core/config.h"
#include "learner/core/losses.h"
#include "learner/core/parameters.h"

namespace estuary::learner {

// Fully connected layers with ReLU between them. Twins map [rows, in] or [2, rows, in] to
// [2, rows, out].
class Mlp {
 public:
  Mlp() = default;
  // The leaves of a declaration with `layers` layers.
  Mlp(const ParameterGroup& group, size_t first_leaf, size_t layers);

  at::Tensor operator()(const at::Tensor& x) const;
  // The same numbers as constants: gradients flow through to the input only.
  Mlp Frozen() const;

 private:
  std::vector<at::Tensor> weights_;
  std::vector<at::Tensor> biases_;
};

// {in, hidden..., out}.
std::vector<int64_t> LayerSizes(int64_t in, const std::vector<int>& hidden, int64_t out);

class Nets {
 public:
  // Initialised from `generator`; discriminators, V and the model exist only where the algorithm
  // needs them.
  Nets(const LearnerConfig& config, const at::Generator& generator, at::TensorOptions options);

  // Pre-squash Gaussian at scaled observations.
  GaussianHead Policy(const at::Tensor& observation) const;
  // [2, rows] at [rows, observation + action].
  at::Tensor Critics(const at::Tensor& x) const { return critics_(x).squeeze(-1); }
  // Constant in the critics' parameters.
  at::Tensor FrozenCritics(const at::Tensor& x) const { return frozen_critics_(x).squeeze(-1); }
  at::Tensor TargetCritics(const at::Tensor& x) const { return target_critics_(x).squeeze(-1); }
  // Bounded logits [rows, 2].
  at::Tensor DiscriminatorSa(const at::Tensor& x) const { return BoundedLogits(d_sa_(x)); }
  at::Tensor DiscriminatorSas(const at::Tensor& x) const { return BoundedLogits(d_sas_(x)); }
  // [rows] at scaled observations; where the algorithm has V.
  at::Tensor Value(const at::Tensor& observation) const { return value_(observation).squeeze(-1); }
  // At scaled [s, a]; where the algorithm has the model.
  DynamicsPrediction Dynamics(const at::Tensor& x) const {
    return SplitPrediction(dynamics_net_(x));
  }
  const at::Tensor& log_alpha() const { return main_.leaf(log_alpha_); }

  // Policy, critics, temperature, V.
  ParameterGroup& main() { return main_; }
  ParameterGroup& targets() { return targets_; }
  ParameterGroup& discriminators() { return discriminators_; }
  ParameterGroup& dynamics() { return dynamics_; }
  const ParameterGroup& main() const { return main_; }
  bool has_discriminators() const { return has_discriminators_; }
  bool has_dynamics() const { return has_dynamics_; }

  // Parts of main().flat() or a tensor of its size.
  at::Tensor PolicyPart(const at::Tensor& flat) const;
  at::Tensor CriticPart(const at::Tensor& flat) const;
  at::Tensor ValuePart(const at::Tensor& flat) const;

 private:
  NetworkConfig config_;
  bool has_discriminators_;
  bool has_dynamics_;
  ParameterGroup main_;
  ParameterGroup targets_;
  ParameterGroup discriminators_;
  ParameterGroup dynamics_;
  size_t multiplier_ = 0, offset_ = 0, critic_first_ = 0, log_alpha_ = 0, value_first_ = 0;
  Mlp policy_, critics_, frozen_critics_, target_critics_, d_sa_, d_sas_, value_, dynamics_net_;
};

}  // namespace estuary::learner
