#include "cli/recipe/snapshots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "cli/recipe/recipe.h"
#include "common/policy/policy.h"
#include "estuary/v1/learner.pb.h"
#include "tests/common/policy/policies.h"

namespace estuary::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class SnapshotsTest : public ::testing::Test {
 protected:
  SnapshotsTest() {
    folder_ = absl::StrCat(::testing::TempDir(), "snapshots_",
                           ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    run_ = folder_ + "/run";
    fs::create_directories(run_ + "/checkpoints");
    std::ofstream(run_ + "/experiment.textproto")
        << "name: 'run' task: 'walker2d' algorithm { name: 'sac' } exploration { random_steps: "
           "3000 }";
  }
  ~SnapshotsTest() override { fs::remove_all(folder_); }

  // As a learner leaves it.
  void Checkpoint(uint64_t gradient_steps, uint64_t environment_steps, bool explorer = false) {
    const std::string folder = absl::StrCat(run_, "/checkpoints/step-", gradient_steps);
    fs::create_directories(folder);
    v1::PolicyUpdate update;
    const uint64_t version = gradient_steps / 1000 + 1;
    const auto make = [&](uint64_t seed) {
      v1::PolicyVersion policy = policy::testing::MakePolicyVersion(
          {.task = "walker2d", .run_id = "run", .hidden = {8}, .version = version, .seed = seed});
      policy.set_gradient_steps(gradient_steps);
      policy.set_environment_steps(environment_steps);
      policy::SealPolicyVersion(policy);
      return policy;
    };
    *update.mutable_policy() = make(version);
    if (explorer) *update.mutable_exploration_policy() = make(version + 1000);
    std::ofstream(folder + "/policy_update.pb", std::ios::binary) << update.SerializeAsString();
  }

  std::string folder_;
  std::string run_;
};

TEST_F(SnapshotsTest, AreReadInOrderWithTheirEvaluations) {
  Checkpoint(10'000, 12'000);
  Checkpoint(2'000, 4'000);
  std::ofstream(run_ + "/evaluations.jsonl")
      << R"({"dynamics":"sim","gradient_steps":10000,"policy_version":11,"returns":[1],"steps":[9]})"
      << "\n"
      << R"({"dynamics":"real","gradient_steps":10000,"policy_version":11,"returns":[4,8],"steps":[9,9]})"
      << "\n";
  const auto snapshots = ReadSnapshots(run_);
  ASSERT_TRUE(snapshots.ok()) << snapshots.status();
  ASSERT_THAT(*snapshots, SizeIs(2));
  EXPECT_EQ((*snapshots)[0].gradient_steps, 2'000u);
  EXPECT_FALSE((*snapshots)[0].evaluation_return.has_value());
  EXPECT_EQ((*snapshots)[1].environment_steps, 12'000u);
  EXPECT_EQ((*snapshots)[1].evaluation_return, 6);
}

TEST_F(SnapshotsTest, AreThePoliciesThatExplored) {
  Checkpoint(0, 0, /*explorer=*/true);
  const auto snapshots = ReadSnapshots(run_);
  ASSERT_TRUE(snapshots.ok()) << snapshots.status();
  v1::PolicyUpdate update;
  std::ifstream file(run_ + "/checkpoints/step-0/policy_update.pb", std::ios::binary);
  ASSERT_TRUE(update.ParseFromIstream(&file));
  EXPECT_EQ((*snapshots)[0].policy.sha256(), update.exploration_policy().sha256());
}

TEST_F(SnapshotsTest, MakeTheBufferUntilTheLast) {
  Checkpoint(0, 0);
  Checkpoint(10'000, 11'980);
  Checkpoint(20'000, 21'990);
  const auto snapshots = ReadSnapshots(run_);
  ASSERT_TRUE(snapshots.ok()) << snapshots.status();
  ASSERT_TRUE(
      WriteReplay(run_, *snapshots, 2, {.folder = folder_ + "/out", .level = "replay", .seed = 7})
          .ok());
  const auto recipe = ReadRecipe(folder_ + "/out/replay.textproto");
  ASSERT_TRUE(recipe.ok()) << recipe.status();
  // Random steps, those of the first policy, those of the second; none of the last.
  ASSERT_THAT(recipe->parts, SizeIs(3));
  EXPECT_EQ(recipe->parts[0].policy, nullptr);
  EXPECT_EQ(recipe->parts[0].rows, 3'000u);
  EXPECT_EQ(recipe->parts[1].policy->version(), 1u);
  EXPECT_EQ(recipe->parts[1].rows, 9'000u);
  EXPECT_EQ(recipe->parts[2].policy->version(), 11u);
  EXPECT_EQ(recipe->parts[2].rows, 10'000u);
  EXPECT_EQ(recipe->parts[2].seed, 9u);
}

TEST_F(SnapshotsTest, MakeALevelOfOnePolicy) {
  Checkpoint(10'000, 11'980);
  const auto snapshots = ReadSnapshots(run_);
  ASSERT_TRUE(snapshots.ok()) << snapshots.status();
  ASSERT_TRUE(
      WriteLevel((*snapshots)[0], 500, {.folder = folder_ + "/out", .level = "medium"}).ok());
  const auto recipe = ReadRecipe(folder_ + "/out/medium.textproto");
  ASSERT_TRUE(recipe.ok()) << recipe.status();
  ASSERT_THAT(recipe->parts, SizeIs(1));
  EXPECT_EQ(recipe->rows(), 500u);
  EXPECT_EQ(recipe->text.task(), "walker2d");
}

TEST_F(SnapshotsTest, AreMissedByName) {
  EXPECT_THAT(std::string(ReadSnapshots(run_).status().message()),
              HasSubstr("holds no checkpoints; budget.checkpoint_every"));
  EXPECT_EQ(ReadSnapshots(folder_ + "/none").status().code(), absl::StatusCode::kNotFound);
  fs::create_directories(run_ + "/checkpoints/step-5");
  std::ofstream(run_ + "/checkpoints/step-5/policy_update.pb") << "nothing";
  EXPECT_THAT(std::string(ReadSnapshots(run_).status().message()),
              HasSubstr("step-5/policy_update.pb' holds no policy"));
}

}  // namespace
}  // namespace estuary::cli
