#include "common/policy/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "common/policy/policy.h"
#include "common/policy/test_vector.h"
#include "tests/common/policy/policies.h"

namespace estuary::policy {
namespace {

using testing::FromBytes;
using ::testing::HasSubstr;
using testing::MakePolicyVersion;
using testing::ToBytes;

struct BadVersion {
  const char* name;
  std::function<void(v1::PolicyVersion&)> spoil;
  // What the refusal must say.
  const char* words;
};

void SetFloat(std::string* bytes, int index, float value) {
  std::vector<float> values = FromBytes(*bytes);
  values[index] = value;
  *bytes = ToBytes(values);
}

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

const BadVersion kBadVersions[] = {
    {"VersionZero", [](auto& v) { v.set_version(0); }, "version is 0; versions count from 1"},
    {"VersionBeyondTheColumn", [](auto& v) { v.set_version(uint64_t{1} << 32); },
     "version is 4294967296"},
    {"NoTask", [](auto& v) { v.clear_task(); }, "names no task"},
    {"NoObservation", [](auto& v) { v.set_observation_dim(0); },
     "observation_dim is 0; it may be 1 to 16384"},
    {"HugeObservation", [](auto& v) { v.set_observation_dim(4'000'000'000u); },
     "observation_dim is 4000000000; it may be 1 to 16384"},
    {"HugeAction", [](auto& v) { v.set_action_dim(4'000'000'000u); }, "action_dim is 4000000000"},
    {"MeanTooShort", [](auto& v) { v.mutable_observation_mean()->pop_back(); },
     "observation_mean must have 68 bytes (17 float32), got 67"},
    {"NoScale", [](auto& v) { v.clear_observation_scale(); },
     "observation_scale must have 68 bytes (17 float32), got 0"},
    {"NanInMean", [](auto& v) { SetFloat(v.mutable_observation_mean(), 3, kNan); },
     "observation_mean[3] is nan, not finite"},
    {"NoLayers", [](auto& v) { v.clear_layers(); }, "has 0 layers; it may have 1 to 32"},
    {"ManyLayers",
     [](auto& v) {
       while (v.layers_size() < 40) v.add_layers();
     },
     "has 40 layers; it may have 1 to 32"},
    {"WrongFirstInputs", [](auto& v) { v.mutable_layers(0)->set_inputs(18); },
     "layer 0 takes 18 inputs, but the observation has 17"},
    {"WrongMiddleInputs", [](auto& v) { v.mutable_layers(1)->set_inputs(255); },
     "layer 1 takes 255 inputs, but the layer before it gives 256"},
    {"HugeLayer", [](auto& v) { v.mutable_layers(0)->set_outputs(4'294'967'295u); },
     "layer 0 outputs is 4294967295; it may be 1 to 16384"},
    {"WrongLastOutputs", [](auto& v) { v.set_action_dim(5); },
     "the last layer gives 12 outputs, but mean and log_std of 5 actions need 10"},
    {"WeightTooLong", [](auto& v) { v.mutable_layers(1)->mutable_weight()->append("abcd"); },
     "layer 1 weight must have 262144 bytes (65536 float32), got 262148"},
    {"BiasTooShort", [](auto& v) { v.mutable_layers(2)->mutable_bias()->resize(44); },
     "layer 2 bias must have 48 bytes (12 float32), got 44"},
    {"NanWeight", [](auto& v) { SetFloat(v.mutable_layers(0)->mutable_weight(), 100, kNan); },
     "layer 0 weight[100] is nan, not finite"},
    {"InfiniteBias",
     [](auto& v) { SetFloat(v.mutable_layers(1)->mutable_bias(), 255, -kInfinity); },
     "layer 1 bias[255] is -inf, not finite"},
    {"NanLogStd", [](auto& v) { v.set_log_std_offset(kNan); }, "log_std_offset is nan"},
    {"LogStdUpsideDown", [](auto& v) { v.set_log_std_max(-21); },
     "log_std_min -20 is above log_std_max -21"},
    {"NoTestVector", [](auto& v) { v.clear_test_observation(); },
     "test_observation and test_action must have 17 and 6 numbers, got 0 and 6"},
    {"NanTestObservation", [](auto& v) { v.set_test_observation(0, kNan); },
     "test_observation holds nan"},
    {"NanTestAction", [](auto& v) { v.set_test_action(0, kNan); }, "test_action holds nan"},
    {"OtherArithmetic", [](auto& v) { v.set_test_action(2, v.test_action(2) + 1e-4f); },
     "at its test observation action[2] is "},
    {"WeightsThatOverflow",
     [](auto& v) {
       for (v1::DenseLayer& layer : *v.mutable_layers()) {
         *layer.mutable_weight() =
             ToBytes(std::vector<float>(layer.inputs() * layer.outputs(), 3e38f));
       }
     },
     "are its numbers in range?"},
};

class Refuses : public ::testing::TestWithParam<BadVersion> {};

TEST_P(Refuses, AndSaysWhy) {
  v1::PolicyVersion version = MakePolicyVersion({.version = 7});
  GetParam().spoil(version);
  SealPolicyVersion(version);
  const auto policy = Policy::FromProto(version);
  ASSERT_EQ(policy.status().code(), absl::StatusCode::kInvalidArgument) << policy.status();
  EXPECT_THAT(std::string(policy.status().message()), HasSubstr(GetParam().words));
  EXPECT_THAT(std::string(policy.status().message()), HasSubstr("of run 'test-run'"));
}

INSTANTIATE_TEST_SUITE_P(BadVersions, Refuses, ::testing::ValuesIn(kBadVersions),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(PolicyHash, CatchesASingleFlippedBit) {
  v1::PolicyVersion version = MakePolicyVersion({});
  (*version.mutable_layers(1)->mutable_weight())[1000] ^= 1;
  const auto policy = Policy::FromProto(version);
  ASSERT_EQ(policy.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(policy.status().message()), HasSubstr("it was damaged on its way"));
}

TEST(PolicyHash, IsNeeded) {
  v1::PolicyVersion version = MakePolicyVersion({});
  version.clear_sha256();
  EXPECT_FALSE(Policy::FromProto(version).ok());
}

TEST(PolicyHash, IsTheSameWhenSealedAgain) {
  v1::PolicyVersion version = MakePolicyVersion({});
  const std::string first = version.sha256();
  SealPolicyVersion(version);
  EXPECT_EQ(version.sha256(), first);
  EXPECT_EQ(first.size(), 64u);
}

// A trained network may have grown until float32 itself is off by more than 1e-5.
TEST(PolicyCheck, AllowsForTheRoundingOfLargeWeights) {
  v1::PolicyVersion version = MakePolicyVersion({});
  for (int l = 0; l < 2; ++l) {
    std::string* weight = version.mutable_layers(l)->mutable_weight();
    std::vector<float> values = FromBytes(*weight);
    for (float& value : values) value *= 40;
    *weight = ToBytes(values);
  }
  const std::vector<float> observation(version.test_observation().begin(),
                                       version.test_observation().end());
  const std::vector<double> mean = testing::ActSlowly(version, observation).mean;
  // Bring the mean back to where tanh is steep.
  std::vector<float> bias = FromBytes(version.layers(2).bias());
  for (int i = 0; i < 6; ++i) {
    bias[i] -= static_cast<float>(mean[i]);
  }
  version.mutable_layers(2)->set_bias(ToBytes(bias));
  const std::vector<double> centred = testing::ActSlowly(version, observation).mean;
  for (int i = 0; i < 6; ++i) {
    version.set_test_action(i, static_cast<float>(std::tanh(centred[i])));
  }
  SealPolicyVersion(version);
  const auto policy = Policy::FromProto(version);
  EXPECT_TRUE(policy.ok()) << policy.status();
  // But not for anything else.
  version.set_test_action(3, version.test_action(3) + 2e-3f);
  SealPolicyVersion(version);
  EXPECT_FALSE(Policy::FromProto(version).ok());
}

TEST(PolicyCheck, AsksForTheUsualPrecisionOfAUsualNetwork) {
  for (const double tolerance : TestTolerance(MakePolicyVersion({}))) {
    EXPECT_GE(tolerance, 1e-5);
    EXPECT_LT(tolerance, 2e-5);
  }
}

TEST(PolicyCheck, TakesAnEmptyMessageForABadOne) {
  EXPECT_EQ(Policy::FromProto({}).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace estuary::policy
