#include "tests/common/policy/policies.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>

#include "common/policy/policy.h"

namespace estuary::policy::testing {

std::string ToBytes(const std::vector<float>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
}

std::vector<float> FromBytes(const std::string& bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

v1::PolicyVersion MakePolicyVersion(const PolicyShape& shape) {
  std::mt19937_64 random(shape.seed);
  const auto draw = [&random](int count, double low, double high) {
    std::uniform_real_distribution<double> uniform(low, high);
    std::vector<float> values(count);
    for (float& value : values) value = static_cast<float>(uniform(random));
    return values;
  };
  v1::PolicyVersion version;
  version.set_version(shape.version);
  version.set_run_id(shape.run_id);
  version.set_task(shape.task);
  version.set_observation_dim(shape.observation_dim);
  version.set_action_dim(shape.action_dim);
  version.set_observation_mean(ToBytes(draw(shape.observation_dim, -0.5, 0.5)));
  version.set_observation_scale(ToBytes(draw(shape.observation_dim, 0.5, 1.5)));
  std::vector<int> widths = {shape.observation_dim};
  widths.insert(widths.end(), shape.hidden.begin(), shape.hidden.end());
  widths.push_back(2 * shape.action_dim);
  for (size_t i = 0; i + 1 < widths.size(); ++i) {
    v1::DenseLayer& layer = *version.add_layers();
    const double bound = std::sqrt(1.0 / widths[i]);
    layer.set_inputs(widths[i]);
    layer.set_outputs(widths[i + 1]);
    layer.set_weight(ToBytes(draw(widths[i] * widths[i + 1], -bound, bound)));
    layer.set_bias(ToBytes(draw(widths[i + 1], -bound, bound)));
  }
  version.set_log_std_multiplier(1);
  version.set_log_std_offset(-1);
  version.set_log_std_min(-20);
  version.set_log_std_max(2);
  const std::vector<float> observation = draw(shape.observation_dim, -1, 1);
  for (const float value : observation) version.add_test_observation(value);
  for (const double mean : ActSlowly(version, observation).mean) {
    version.add_test_action(static_cast<float>(std::tanh(mean)));
  }
  SealPolicyVersion(version);
  return version;
}

Expected ActSlowly(const v1::PolicyVersion& version, const std::vector<float>& observation) {
  const std::vector<float> mean = FromBytes(version.observation_mean());
  const std::vector<float> scale = FromBytes(version.observation_scale());
  std::vector<double> x(observation.size());
  for (size_t i = 0; i < x.size(); ++i) {
    x[i] = (static_cast<double>(observation[i]) - mean[i]) * scale[i];
  }
  for (int l = 0; l < version.layers_size(); ++l) {
    const std::vector<float> weight = FromBytes(version.layers(l).weight());
    const std::vector<float> bias = FromBytes(version.layers(l).bias());
    std::vector<double> y(bias.begin(), bias.end());
    for (size_t o = 0; o < y.size(); ++o) {
      for (size_t i = 0; i < x.size(); ++i) {
        y[o] += static_cast<double>(weight[o * x.size() + i]) * x[i];
      }
      if (l + 1 < version.layers_size()) y[o] = std::max(y[o], 0.0);
    }
    x = y;
  }
  Expected expected;
  expected.mean.assign(x.begin(), x.begin() + version.action_dim());
  for (size_t i = version.action_dim(); i < x.size(); ++i) {
    expected.log_std.push_back(std::clamp(
        version.log_std_multiplier() * x[i] + version.log_std_offset(),
        static_cast<double>(version.log_std_min()), static_cast<double>(version.log_std_max())));
  }
  return expected;
}

}  // namespace estuary::policy::testing
