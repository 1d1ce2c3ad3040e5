#include "learner/service/best_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "common/policy/policy.h"
#include "common/process/files.h"
#include "estuary/v1/learner.pb.h"
#include "learner/service/policy_version.h"
#include "tests/learner/service/scratch_folder.h"

namespace estuary::learner {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

v1::PolicyUpdate Update(uint64_t version) {
  PolicyWeights weights;
  weights.observation_mean = {0, 0};
  weights.observation_scale = {1, 1};
  weights.layers = {{.inputs = 2, .outputs = 2, .weight = {1, 2, 3, 4}, .bias = {0.5, 1}}};
  weights.log_std_min = -20;
  weights.log_std_max = 2;
  weights.gradient_steps = 100 * version;
  v1::PolicyUpdate update;
  *update.mutable_policy() =
      MakePolicyVersion(weights, {.version = version, .run_id = "r", .task = "t"});
  return update;
}

class BestPolicyTest : public testing::Test {
 protected:
  BestPolicyTest() : store_(scratch_ / "checkpoints", 1), best_(Open()) {}

  BestPolicy Open() {
    return BestPolicy(scratch_ / "best_policy.pb", scratch_ / "best_policy.json", &store_);
  }
  void AddCandidate(uint64_t version) {
    Checkpoint checkpoint;
    checkpoint.step = 100 * version;
    checkpoint.files["engine.bin"] = "weights of " + std::to_string(version);
    checkpoint.files["policy_update.pb"] = Update(version).SerializeAsString();
    const absl::Status added = best_.AddCandidate(version, checkpoint);
    ASSERT_TRUE(added.ok()) << added;
  }
  void Offer(uint64_t version, double mean_return) {
    const absl::Status offered = best_.Offer({version, mean_return, 5});
    ASSERT_TRUE(offered.ok()) << offered;
  }
  std::string BestEngine() const { return store_.ReadNamed("best")->files.at("engine.bin"); }
  uint64_t BestPolicyFile() const {
    return policy::ReadPolicyFile(scratch_ / "best_policy.pb")->version();
  }

  ScratchFolder scratch_;
  CheckpointStore store_;
  BestPolicy best_;
};

TEST_F(BestPolicyTest, KeepsTheCandidateWithTheGreatestReturn) {
  for (const uint64_t version : {1, 2, 3, 4}) AddCandidate(version);
  Offer(1, -5);
  EXPECT_EQ(best_.best().version, 1u);
  Offer(3, 70);
  Offer(2, 60);
  Offer(4, 69.5);
  EXPECT_EQ(best_.best().version, 3u);
  EXPECT_EQ(best_.best().real_return, 70);
  EXPECT_EQ(BestEngine(), "weights of 3");
  EXPECT_EQ(BestPolicyFile(), 3u);
  const auto record = nlohmann::json::parse(*process::ReadFile(scratch_ / "best_policy.json"));
  EXPECT_EQ(record.at("policy_version"), 3);
  EXPECT_EQ(record.at("gradient_steps"), 300);
  EXPECT_EQ(record.at("episodes"), 5);
  EXPECT_THAT(store_.Names("candidate-"), testing::IsEmpty());
}

TEST_F(BestPolicyTest, OutlivesTheOtherCheckpoints) {
  AddCandidate(1);
  Offer(1, 10);
  for (uint64_t step = 1; step <= 5; ++step) {
    Checkpoint checkpoint;
    checkpoint.step = step;
    checkpoint.files["engine.bin"] = "x";
    ASSERT_TRUE(store_.Write(checkpoint).ok());
  }
  EXPECT_EQ(BestEngine(), "weights of 1");
  EXPECT_EQ(store_.ReadNewest()->step, 5u);
  EXPECT_FALSE(fs::exists(store_.PathOf(4)));
}

TEST_F(BestPolicyTest, GoesOnFromWhatAnEarlierProcessFound) {
  AddCandidate(1);
  Offer(1, 10);
  AddCandidate(2);
  AddCandidate(3);
  BestPolicy later = Open();
  ASSERT_TRUE(later.Recall().ok());
  EXPECT_EQ(later.best().version, 1u);
  ASSERT_TRUE(later.Offer({2, 9, 5}).ok());
  EXPECT_EQ(later.best().version, 1u);
  ASSERT_TRUE(later.Offer({3, 11, 5}).ok());
  EXPECT_EQ(later.best().version, 3u);
}

TEST_F(BestPolicyTest, FinishesWhatACrashCutShort) {
  AddCandidate(1);
  Offer(1, 10);
  AddCandidate(2);
  // As a crash after the rename leaves it.
  ASSERT_TRUE(store_.Rename("candidate-2", "best").ok());
  BestPolicy later = Open();
  ASSERT_TRUE(later.Recall().ok());
  ASSERT_TRUE(later.Offer({2, 20, 5}).ok());
  EXPECT_EQ(later.best().version, 2u);
  EXPECT_EQ(BestPolicyFile(), 2u);
}

TEST_F(BestPolicyTest, ChangesNothingForAVersionThatIsNoCandidate) {
  AddCandidate(1);
  Offer(1, 10);
  Offer(7, 1000);
  EXPECT_EQ(best_.best().version, 1u);
  EXPECT_EQ(BestPolicyFile(), 1u);
}

TEST_F(BestPolicyTest, LetsGoOfCandidatesNobodyWillEvaluate) {
  for (const uint64_t version : {1, 2, 3}) AddCandidate(version);
  best_.KeepOnly({2});
  EXPECT_THAT(store_.Names("candidate-"), testing::ElementsAre("candidate-2"));
}

TEST_F(BestPolicyTest, NamesARecordThatIsDamaged) {
  ASSERT_TRUE(process::WriteFileAtomically(scratch_ / "best_policy.json", "{").ok());
  const absl::Status recalled = best_.Recall();
  EXPECT_TRUE(absl::IsDataLoss(recalled));
  EXPECT_THAT(recalled.message(), HasSubstr("best_policy.json"));
}

}  // namespace
}  // namespace estuary::learner
