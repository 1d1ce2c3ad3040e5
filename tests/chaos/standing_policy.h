// A policy that needs no training: one linear layer that acts nearly as the fallback controller
// does, so that the robot stands by it.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "common/policy/policy.h"
#include "estuary/v1/policy.pb.h"

namespace estuary::bridge {

inline std::string FloatBytes(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

// `spoil` is added to one weight.
inline v1::PolicyVersion StandingPolicy(uint64_t version, const std::string& run = "run",
                                        float spoil = 0) {
  v1::PolicyVersion policy;
  policy.set_version(version);
  policy.set_run_id(run);
  policy.set_task("wheel_legged_stand");
  policy.set_observation_dim(4);
  policy.set_action_dim(1);
  policy.set_observation_mean(FloatBytes({0, 0, 0, 0}));
  policy.set_observation_scale(FloatBytes({1, 1, 1, 1}));
  v1::DenseLayer& layer = *policy.add_layers();
  layer.set_inputs(4);
  layer.set_outputs(2);
  layer.set_weight(FloatBytes({7 + spoil, 1.2f, 2.5f, 2.2f, 0, 0, 0, 0}));
  layer.set_bias(FloatBytes({0.749f, 0}));
  policy.set_log_std_multiplier(1);
  policy.set_log_std_min(-20);
  policy.set_log_std_max(2);
  const std::vector<float> test = {0.01f, 0.02f, 0.03f, 0.04f};
  for (const float value : test) policy.add_test_observation(value);
  policy.add_test_action(
      static_cast<float>(std::tanh(0.749 + 7 * 0.01 + 1.2 * 0.02 + 2.5 * 0.03 + 2.2 * 0.04)));
  policy::SealPolicyVersion(policy);
  return policy;
}

}  // namespace estuary::bridge
