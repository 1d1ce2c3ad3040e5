#include "learner/service/policy_version.h"

#include <gtest/gtest.h>

#include <cmath>

#include "common/policy/policy.h"

namespace estuary::learner {
namespace {

// Numbers without a pattern, the same every time.
float Number(int i) { return std::sin(12.9898f * static_cast<float>(i + 1)); }

PolicyWeights MakeWeights() {
  PolicyWeights weights;
  weights.observation_mean = {0.5f, -2.0f, 0.0f};
  weights.observation_scale = {2.0f, 0.25f, 10.0f};
  int n = 0;
  for (const auto& [inputs, outputs] : {std::pair{3, 16}, {16, 16}, {16, 4}}) {
    DenseWeights& layer = weights.layers.emplace_back();
    layer.inputs = inputs;
    layer.outputs = outputs;
    for (int i = 0; i < inputs * outputs; ++i) layer.weight.push_back(0.5f * Number(n++));
    for (int i = 0; i < outputs; ++i) layer.bias.push_back(0.1f * Number(n++));
  }
  weights.log_std_multiplier = 1.5f;
  weights.log_std_offset = -1;
  weights.log_std_min = -20;
  weights.log_std_max = 2;
  weights.gradient_steps = 700;
  return weights;
}

TEST(PolicyVersion, IsOneThatEveryReceiverAccepts) {
  const v1::PolicyVersion version = MakePolicyVersion(
      MakeWeights(), {.version = 3, .run_id = "r", .task = "t", .environment_steps = 650});
  const auto policy = policy::Policy::FromProto(version);
  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_EQ((*policy)->version(), 3u);
  EXPECT_TRUE((*policy)->CheckFits("t", 3, 2).ok());
  EXPECT_EQ(version.run_id(), "r");
  EXPECT_EQ(version.gradient_steps(), 700u);
  EXPECT_EQ(version.environment_steps(), 650u);
  EXPECT_EQ(version.log_std_multiplier(), 1.5f);
}

TEST(PolicyVersion, TheTestVectorNoticesAChangedWeight) {
  v1::PolicyVersion version =
      MakePolicyVersion(MakeWeights(), {.version = 1, .run_id = "r", .task = "t"});
  float bias = 0;
  std::string& bytes = *version.mutable_layers(2)->mutable_bias();
  std::memcpy(&bias, bytes.data(), sizeof(bias));
  bias += 0.1f;
  std::memcpy(bytes.data(), &bias, sizeof(bias));
  policy::SealPolicyVersion(version);
  EXPECT_FALSE(policy::Policy::FromProto(version).ok());
}

TEST(PolicyVersion, TheSameWeightsGiveTheSameBytes) {
  const PolicyOrigin origin{.version = 1, .run_id = "r", .task = "t", .environment_steps = 1};
  EXPECT_EQ(MakePolicyVersion(MakeWeights(), origin).SerializeAsString(),
            MakePolicyVersion(MakeWeights(), origin).SerializeAsString());
}

}  // namespace
}  // namespace estuary::learner
