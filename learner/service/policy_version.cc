#include "learner/service/policy_version.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "common/policy/policy.h"

namespace estuary::learner {
namespace {

std::string ToBytes(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

// Somewhere near where observations are, different in every dimension.
std::vector<float> TestObservation(const PolicyWeights& weights) {
  std::vector<float> observation(weights.observation_mean.size());
  for (size_t i = 0; i < observation.size(); ++i) {
    observation[i] = weights.observation_mean[i] +
                     static_cast<float>(std::sin(1.0 + i)) / weights.observation_scale[i];
  }
  return observation;
}

// tanh(mean).
std::vector<float> Act(const PolicyWeights& weights, const std::vector<float>& observation) {
  std::vector<double> x(observation.size());
  for (size_t i = 0; i < x.size(); ++i) {
    x[i] = (static_cast<double>(observation[i]) - weights.observation_mean[i]) *
           weights.observation_scale[i];
  }
  for (size_t l = 0; l < weights.layers.size(); ++l) {
    const DenseWeights& layer = weights.layers[l];
    std::vector<double> y(layer.outputs);
    for (int o = 0; o < layer.outputs; ++o) {
      double sum = layer.bias[o];
      for (int i = 0; i < layer.inputs; ++i) {
        sum += static_cast<double>(layer.weight[static_cast<size_t>(o) * layer.inputs + i]) * x[i];
      }
      y[o] = l + 1 < weights.layers.size() ? std::max(sum, 0.0) : sum;
    }
    x = std::move(y);
  }
  std::vector<float> action(x.size() / 2);
  for (size_t i = 0; i < action.size(); ++i) action[i] = static_cast<float>(std::tanh(x[i]));
  return action;
}

}  // namespace

v1::PolicyVersion MakePolicyVersion(const PolicyWeights& weights, const PolicyOrigin& origin) {
  v1::PolicyVersion policy;
  policy.set_version(origin.version);
  policy.set_run_id(origin.run_id);
  policy.set_task(origin.task);
  policy.set_observation_dim(weights.observation_mean.size());
  policy.set_action_dim(weights.layers.back().outputs / 2);
  policy.set_observation_mean(ToBytes(weights.observation_mean));
  policy.set_observation_scale(ToBytes(weights.observation_scale));
  for (const DenseWeights& layer : weights.layers) {
    v1::DenseLayer& message = *policy.add_layers();
    message.set_inputs(layer.inputs);
    message.set_outputs(layer.outputs);
    message.set_weight(ToBytes(layer.weight));
    message.set_bias(ToBytes(layer.bias));
  }
  policy.set_log_std_multiplier(weights.log_std_multiplier);
  policy.set_log_std_offset(weights.log_std_offset);
  policy.set_log_std_min(weights.log_std_min);
  policy.set_log_std_max(weights.log_std_max);
  const std::vector<float> observation = TestObservation(weights);
  const std::vector<float> action = Act(weights, observation);
  policy.mutable_test_observation()->Add(observation.begin(), observation.end());
  policy.mutable_test_action()->Add(action.begin(), action.end());
  policy.set_gradient_steps(weights.gradient_steps);
  policy.set_environment_steps(origin.environment_steps);
  policy::SealPolicyVersion(policy);
  return policy;
}

}  // namespace estuary::learner
