#include "common/policy/bfloat16.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "common/policy/floats.h"
#include "common/policy/network.h"
#include "common/policy/policy.h"

namespace estuary::policy {
namespace {

// To the nearest; ties to even.
void Round(std::string& floats) {
  for (size_t at = 0; at < floats.size(); at += sizeof(uint32_t)) {
    uint32_t bits;
    std::memcpy(&bits, &floats[at], sizeof(bits));
    bits += 0x7fff + ((bits >> 16) & 1);
    bits &= 0xffff0000;
    std::memcpy(&floats[at], &bits, sizeof(bits));
  }
}

// tanh(mean) at the test observation.
void SetTestAction(v1::PolicyVersion& version) {
  Network network;
  for (const v1::DenseLayer& layer : version.layers()) {
    network.AddLayer(static_cast<int>(layer.inputs()), static_cast<int>(layer.outputs()),
                     ToFloats(layer.weight()).data(), ToFloats(layer.bias()).data());
  }
  const std::vector<float> mean = ToFloats(version.observation_mean());
  const std::vector<float> scale = ToFloats(version.observation_scale());
  std::vector<float> input(mean.size());
  for (size_t i = 0; i < input.size(); ++i) {
    input[i] = (version.test_observation(static_cast<int>(i)) - mean[i]) * scale[i];
  }
  AlignedFloats one(network.stride());
  AlignedFloats other(network.stride());
  const float* output =
      network.Forward(input.data(), network.inputs(), 1, one.data(), other.data());
  for (int i = 0; i < version.test_action_size(); ++i) {
    version.set_test_action(i, std::tanh(output[i]));
  }
}

}  // namespace

v1::PolicyVersion RoundToBfloat16(v1::PolicyVersion version) {
  for (v1::DenseLayer& layer : *version.mutable_layers()) {
    Round(*layer.mutable_weight());
    Round(*layer.mutable_bias());
  }
  SetTestAction(version);
  SealPolicyVersion(version);
  return version;
}

}  // namespace estuary::policy
