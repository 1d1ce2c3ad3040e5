#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <thread>
#include <vector>

#include "common/policy/policy.h"
#include "tests/common/policy/allocation_trap.h"
#include "tests/common/policy/policies.h"

namespace estuary::policy {
namespace {

using testing::ActSlowly;
using testing::AllocationTrap;
using testing::Expected;
using testing::MakePolicyVersion;
using testing::PolicyShape;

std::vector<float> Normals(int count, int seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

std::shared_ptr<const Policy> Load(const v1::PolicyVersion& version) {
  auto policy = Policy::FromProto(version);
  EXPECT_TRUE(policy.ok()) << policy.status();
  return *policy;
}

TEST(Policy, ActsAsItsNumbersSay) {
  for (const PolicyShape& shape :
       {PolicyShape{}, PolicyShape{.observation_dim = 4, .action_dim = 2, .hidden = {32, 32}},
        PolicyShape{.observation_dim = 6, .action_dim = 2, .hidden = {}},
        PolicyShape{.observation_dim = 3, .action_dim = 1, .hidden = {10, 300, 5}}}) {
    const v1::PolicyVersion version = MakePolicyVersion(shape);
    const auto policy = Load(version);
    constexpr int kRows = 13;
    Policy::Workspace workspace(*policy, kRows);
    const std::vector<float> observations = Normals(kRows * shape.observation_dim, 1);
    const std::vector<float> noise = Normals(kRows * shape.action_dim, 2);
    std::vector<float> mean(noise.size());
    std::vector<float> sampled(noise.size());
    policy->Act(observations, kRows, workspace, absl::MakeSpan(mean));
    policy->ActStochastic(observations, noise, kRows, workspace, absl::MakeSpan(sampled));
    for (int r = 0; r < kRows; ++r) {
      const Expected expected =
          ActSlowly(version, {observations.begin() + r * shape.observation_dim,
                              observations.begin() + (r + 1) * shape.observation_dim});
      for (int i = 0; i < shape.action_dim; ++i) {
        const int k = r * shape.action_dim + i;
        EXPECT_NEAR(mean[k], std::tanh(expected.mean[i]), 5e-6);
        EXPECT_NEAR(sampled[k],
                    std::tanh(expected.mean[i] + std::exp(expected.log_std[i]) * noise[k]), 5e-6);
      }
    }
  }
}

TEST(Policy, ClampsLogStd) {
  v1::PolicyVersion version = MakePolicyVersion({});
  version.set_log_std_min(-3);
  version.set_log_std_max(-3);
  SealPolicyVersion(version);
  const auto policy = Load(version);
  Policy::Workspace workspace(*policy, 1);
  const std::vector<float> observation = Normals(17, 3);
  std::vector<float> action(6);
  policy->ActStochastic(observation, std::vector<float>(6, 2.0f), 1, workspace,
                        absl::MakeSpan(action));
  const Expected expected = ActSlowly(version, observation);
  for (int i = 0; i < 6; ++i) {
    EXPECT_NEAR(action[i], std::tanh(expected.mean[i] + 2 * std::exp(-3.0)), 5e-6);
  }
}

TEST(Policy, DoesMoreRowsThanItsWorkspaceInTurns) {
  const auto policy = Load(MakePolicyVersion({}));
  Policy::Workspace small(*policy, 3);
  Policy::Workspace large(*policy, 32);
  const std::vector<float> observations = Normals(32 * 17, 4);
  const std::vector<float> noise = Normals(32 * 6, 5);
  std::vector<float> a(32 * 6);
  std::vector<float> b(32 * 6);
  policy->ActStochastic(observations, noise, 32, small, absl::MakeSpan(a));
  policy->ActStochastic(observations, noise, 32, large, absl::MakeSpan(b));
  EXPECT_EQ(a, b);
}

TEST(Policy, AllocatesNothingWhenItActs) {
  if (!AllocationTrap::Works()) GTEST_SKIP() << "a sanitizer's malloc is in the way";
  const auto policy = Load(MakePolicyVersion({}));
  Policy::Workspace workspace(*policy, 64);
  const std::vector<float> observations = Normals(64 * 17, 4);
  const std::vector<float> noise = Normals(64 * 6, 5);
  std::vector<float> actions(64 * 6);
  AllocationTrap trap;
  policy->Act(observations, 64, workspace, absl::MakeSpan(actions));
  policy->ActStochastic(observations, noise, 64, workspace, absl::MakeSpan(actions));
  policy->ActStochastic(observations, noise, 1, workspace, absl::MakeSpan(actions));
  EXPECT_EQ(trap.allocations(), 0u);
}

TEST(Policy, GivesNanForNan) {
  const auto policy = Load(MakePolicyVersion({}));
  Policy::Workspace workspace(*policy, 1);
  std::vector<float> observation(17, 0.1f);
  observation[5] = std::nanf("");
  std::vector<float> action(6);
  policy->Act(observation, 1, workspace, absl::MakeSpan(action));
  for (const float value : action) EXPECT_TRUE(std::isnan(value));
}

TEST(Policy, ActsInSeveralThreadsAtOnce) {
  const auto policy = Load(MakePolicyVersion({}));
  const std::vector<float> observations = Normals(8 * 17, 4);
  std::vector<std::vector<float>> actions(4, std::vector<float>(8 * 6));
  std::vector<std::thread> threads;
  for (std::vector<float>& mine : actions) {
    threads.emplace_back([&] {
      Policy::Workspace workspace(*policy, 8);
      for (int k = 0; k < 50; ++k) policy->Act(observations, 8, workspace, absl::MakeSpan(mine));
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::vector<float>& mine : actions) EXPECT_EQ(mine, actions[0]);
}

TEST(Policy, KnowsWhomItFits) {
  const auto policy = Load(MakePolicyVersion({.version = 7}));
  EXPECT_EQ(policy->version(), 7u);
  EXPECT_TRUE(policy->CheckFits("half_cheetah", 17, 6).ok());
  const absl::Status other = policy->CheckFits("walker2d", 17, 6);
  EXPECT_EQ(other.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(other.message(),
            "policy version 7 of run 'test-run' is for task 'half_cheetah' (17 observations, 6 "
            "actions), needed is one for task 'walker2d' (17 observations, 6 actions)");
  EXPECT_FALSE(policy->CheckFits("half_cheetah", 18, 6).ok());
  EXPECT_FALSE(policy->CheckFits("half_cheetah", 17, 5).ok());
}

}  // namespace
}  // namespace estuary::policy
