#include "learner/core/nets.h"

#include <ATen/ATen.h>

#include <cmath>

namespace estuary::learner {

std::vector<int64_t> LayerSizes(int64_t in, const std::vector<int>& hidden, int64_t out) {
  std::vector<int64_t> sizes = {in};
  sizes.insert(sizes.end(), hidden.begin(), hidden.end());
  sizes.push_back(out);
  return sizes;
}

Mlp::Mlp(const ParameterGroup& group, size_t first_leaf, size_t layers) {
  for (size_t i = 0; i < layers; ++i) {
    weights_.push_back(group.leaf(first_leaf + 2 * i));
    biases_.push_back(group.leaf(first_leaf + 2 * i + 1));
  }
}

at::Tensor Mlp::operator()(const at::Tensor& x) const {
  const bool twins = weights_[0].dim() == 3;
  at::Tensor h = twins && x.dim() == 2 ? x.expand({2, x.size(0), x.size(1)}) : x;
  for (size_t i = 0; i < weights_.size(); ++i) {
    h = twins ? at::baddbmm(biases_[i], h, weights_[i]) : at::addmm(biases_[i], h, weights_[i]);
    if (i + 1 < weights_.size()) at::relu_(h);
  }
  return h;
}

Mlp Mlp::Frozen() const {
  Mlp frozen;
  for (const at::Tensor& weight : weights_) frozen.weights_.push_back(weight.detach());
  for (const at::Tensor& bias : biases_) frozen.biases_.push_back(bias.detach());
  return frozen;
}

Nets::Nets(const LearnerConfig& config, const at::Generator& generator, at::TensorOptions options)
    : config_(config.networks),
      has_discriminators_(config.algorithm.NeedsDiscriminators()),
      has_dynamics_(config.algorithm.NeedsDynamicsModel()) {
  const int64_t observation = config.observation_dim, action = config.action_dim;
  const auto policy_sizes = LayerSizes(observation, config_.hidden, 2 * action);
  const auto critic_sizes = LayerSizes(observation + action, config_.hidden, 1);
  const size_t layers = config_.hidden.size() + 1;
  const bool trained = !config_.fixed_log_std;

  const size_t policy_first = main_.AddMlp({"policy"}, policy_sizes, LastLayer::kNearZero);
  multiplier_ = main_.AddScalar("policy/log_std_multiplier", config_.log_std_multiplier, trained);
  offset_ = main_.AddScalar("policy/log_std_offset", config_.log_std_offset, trained);
  critic_first_ = main_.AddMlp({"q1", "q2"}, critic_sizes, LastLayer::kNearZero);
  log_alpha_ = main_.AddScalar("log_alpha", std::log(config.optimizer.initial_temperature),
                               /*trained=*/true);
  if (config.algorithm.NeedsValue()) {
    value_first_ =
        main_.AddMlp({"v"}, LayerSizes(observation, config_.hidden, 1), LastLayer::kNearZero);
  }
  main_.Allocate(options);
  main_.Initialize(generator);
  policy_ = Mlp(main_, policy_first, layers);
  critics_ = Mlp(main_, critic_first_, layers);
  frozen_critics_ = critics_.Frozen();
  if (config.algorithm.NeedsValue()) value_ = Mlp(main_, value_first_, layers);

  const size_t target_first =
      targets_.AddMlp({"q1_target", "q2_target"}, critic_sizes, LastLayer::kNearZero);
  targets_.Allocate(options);
  targets_.flat().copy_(CriticPart(main_.flat()));
  target_critics_ = Mlp(targets_, target_first, layers).Frozen();

  if (has_dynamics_) {
    const size_t dynamics_first = dynamics_.AddMlp(
        {"dynamics"}, LayerSizes(observation + action, config_.dynamics_hidden, 2 * observation),
        LastLayer::kDefault);
    dynamics_.Allocate(options);
    dynamics_.Initialize(generator);
    dynamics_net_ = Mlp(dynamics_, dynamics_first, config_.dynamics_hidden.size() + 1).Frozen();
  }

  if (!has_discriminators_) return;
  const size_t discriminator_layers = config_.discriminator_hidden.size() + 1;
  const size_t sa_first = discriminators_.AddMlp(
      {"d_sa"}, LayerSizes(observation + action, config_.discriminator_hidden, 2),
      LastLayer::kDefault);
  const size_t sas_first = discriminators_.AddMlp(
      {"d_sas"}, LayerSizes(2 * observation + action, config_.discriminator_hidden, 2),
      LastLayer::kDefault);
  discriminators_.Allocate(options);
  discriminators_.Initialize(generator);
  d_sa_ = Mlp(discriminators_, sa_first, discriminator_layers);
  d_sas_ = Mlp(discriminators_, sas_first, discriminator_layers);
}

GaussianHead Nets::Policy(const at::Tensor& observation) const {
  return SplitHead(policy_(observation), main_.leaf(multiplier_), main_.leaf(offset_),
                   config_.log_std_min, config_.log_std_max);
}

at::Tensor Nets::PolicyPart(const at::Tensor& flat) const {
  return flat.narrow(0, 0, main_.offset(critic_first_));
}

at::Tensor Nets::CriticPart(const at::Tensor& flat) const {
  const int64_t begin = main_.offset(critic_first_);
  return flat.narrow(0, begin, main_.offset(log_alpha_) - begin);
}

at::Tensor Nets::ValuePart(const at::Tensor& flat) const {
  const int64_t begin = main_.offset(value_first_);
  return flat.narrow(0, begin, flat.size(0) - begin);
}

}  // namespace estuary::learner
