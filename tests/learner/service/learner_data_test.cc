// The learner as a real process: what it learns from, where that is, and what of it travels on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <csignal>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/policy/policy.h"
#include "common/transition/block.h"
#include "tests/common/policy/policies.h"
#include "tests/learner/service/learner_cluster.h"

namespace estuary::learner {
namespace {

using ::testing::HasSubstr;

// A real table's moments, as the dataset of LearnerCluster has them.
std::vector<double> ToyMean() {
  transition::BlockBuilder rows{ToySchema()};
  const float action[2] = {0, 0};
  for (uint64_t i = 0; i < 64; ++i) {
    AddToyRow(i, action, 1, v1::TRANSITION_SOURCE_DATASET, 0, rows);
  }
  std::vector<double> mean(3, 0);
  const v1::TransitionBlock& block = rows.block();
  const auto observation = transition::Floats(block, transition::kObservation);
  for (size_t i = 0; i < observation.size(); ++i) mean[i % 3] += observation[i] / 64.0;
  return mean;
}

void ExpectNormalized(const std::string& bytes) {
  v1::PolicyVersion version;
  ASSERT_TRUE(version.ParseFromString(bytes));
  const std::vector<float> mean = policy::testing::FromBytes(version.observation_mean());
  const std::vector<float> scale = policy::testing::FromBytes(version.observation_scale());
  const std::vector<double> want = ToyMean();
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(mean[i], want[i], 1e-6);
    // The standard deviation of a sine over many periods.
    EXPECT_NEAR(1 / scale[i], std::sqrt(0.5), 0.05);
  }
  // What actors, evaluators and the bridge act with: the net at the normalised observation.
  const auto policy = policy::Policy::FromProto(version);
  ASSERT_TRUE(policy.ok()) << policy.status();
  policy::Policy::Workspace workspace(**policy, 1);
  const std::vector<float> observation = {0.4f, -0.9f, 0.2f};
  float action[2];
  (*policy)->Act(observation, 1, workspace, action);
  const policy::testing::Expected expected = policy::testing::ActSlowly(version, observation);
  for (size_t i = 0; i < 2; ++i) EXPECT_NEAR(action[i], std::tanh(expected.mean[i]), 1e-5);
}

TEST(LearnerData, NormalizedObservationsTravelInThePolicy) {
  v1::Experiment experiment = ToyExperiment("h2o", true);
  experiment.mutable_networks()->set_normalize_observations(true);
  ExpectNormalized(LearnerCluster(experiment).Train());
}

TEST(LearnerData, TheShardsSampleTheTableThatItsDeviceHasNoRoomFor) {
  v1::Experiment experiment = ToyExperiment("h2o", false);
  // A row takes 40 bytes: room for the 64 real ones.
  experiment.mutable_replay()->set_device_budget_bytes(64 * 40 + 100);
  LearnerCluster cluster(experiment);
  EXPECT_FALSE(cluster.Train().empty());
  EXPECT_THAT(cluster.learner().Output(), HasSubstr("the shards sample table 'sim'"));
  const auto line = nlohmann::json::parse(cluster.Lines("metrics.jsonl").back());
  EXPECT_EQ(line["replay/sampled_by_shards"], 1);
  EXPECT_EQ(line["real_rows"], 64);
  EXPECT_EQ(line["gradient_steps"], 200);
}

TEST(LearnerData, TheShardsSampleBothTablesAndDIsReadThroughForItsMoments) {
  v1::Experiment experiment = ToyExperiment("h2o", false);
  experiment.mutable_replay()->set_device_budget_bytes(1);
  experiment.mutable_networks()->set_normalize_observations(true);
  LearnerCluster cluster(experiment);
  ExpectNormalized(cluster.Train());
  EXPECT_THAT(cluster.learner().Output(), HasSubstr("the shards sample tables 'real' and 'sim'"));
  const auto line = nlohmann::json::parse(cluster.Lines("metrics.jsonl").back());
  EXPECT_EQ(line["replay/sampled_by_shards"], 2);
}

TEST(LearnerData, ARunWhoseTableTheShardsSampleResumes) {
  v1::Experiment experiment = ToyExperiment("h2o", false);
  experiment.mutable_replay()->set_device_budget_bytes(64 * 40 + 100);
  LearnerCluster cluster(experiment);
  cluster.StartShards();
  cluster.ImportReal(64);
  cluster.StartLearner();
  cluster.StartActor();
  cluster.actor().PauseAt(50);
  ASSERT_TRUE(cluster.AwaitSteps(60)) << cluster.learner().Output();
  cluster.learner().Signal(SIGTERM);
  ASSERT_EQ(cluster.learner().Wait(kLong), 0) << cluster.learner().Output();
  cluster.StartLearner({"--resume"});
  cluster.actor().GoOn();
  EXPECT_EQ(cluster.learner().Wait(kLong), 0) << cluster.learner().Output();
  EXPECT_FALSE(cluster.FinalPolicy().empty());
}

TEST(LearnerData, DGrowsByRealRowsThatArriveWhileItTrains) {
  v1::Experiment experiment = ToyExperiment("h2o", /*deterministic=*/false);
  experiment.mutable_dataset()->set_extend(true);
  experiment.mutable_replay()->set_real_capacity(150);
  LearnerCluster cluster(experiment);
  cluster.StartShards();
  cluster.ImportReal(64);
  cluster.StartLearner();
  cluster.StartActor();
  // It cannot finish meanwhile.
  cluster.actor().PauseAt(65);
  ASSERT_TRUE(cluster.AwaitSteps(60));
  cluster.RecordReal(40);
  ASSERT_TRUE(cluster.Await([](const v1::LearnerStatus& status) {
    return status.real_rows() == 104 && status.real_rows_added() == 40;
  })) << cluster.learner().Output();
  // A learner that dies has all of them again.
  cluster.learner().Signal(SIGTERM);
  ASSERT_EQ(cluster.learner().Wait(kLong), 0) << cluster.learner().Output();
  cluster.StartLearner({"--resume"});
  ASSERT_TRUE(cluster.Await([](const v1::LearnerStatus& status) {
    return status.real_rows() == 104 && status.real_rows_added() == 40;
  })) << cluster.learner().Output();
  cluster.actor().GoOn();
  EXPECT_EQ(cluster.learner().Wait(kLong), 0) << cluster.learner().Output();
  const nlohmann::json last = nlohmann::json::parse(cluster.Lines("metrics.jsonl").back());
  EXPECT_EQ(last["real_rows"], 104);
  EXPECT_EQ(last["real_rows_added"], 40);
}

TEST(LearnerData, TakesNoMoreRealRowsThanItHasRoomForAndGoesOn) {
  v1::Experiment experiment = ToyExperiment("h2o", /*deterministic=*/false);
  experiment.mutable_dataset()->set_extend(true);
  experiment.mutable_replay()->set_real_capacity(70);
  LearnerCluster cluster(experiment);
  cluster.StartShards();
  cluster.ImportReal(64);
  cluster.StartLearner();
  cluster.StartActor();
  cluster.actor().PauseAt(65);
  ASSERT_TRUE(cluster.AwaitSteps(60));
  cluster.RecordReal(40);
  ASSERT_TRUE(
      cluster.Await([](const v1::LearnerStatus& status) { return status.real_rows() == 70; }));
  cluster.actor().GoOn();
  EXPECT_EQ(cluster.learner().Wait(kLong), 0) << cluster.learner().Output();
  EXPECT_THAT(cluster.learner().Output(), HasSubstr("as many as replay.real_capacity allows"));
}

TEST(LearnerData, DStaysWhatItWasWithoutTheSwitch) {
  LearnerCluster cluster(ToyExperiment("h2o", /*deterministic=*/false));
  cluster.StartShards();
  cluster.ImportReal(64);
  cluster.StartLearner();
  cluster.StartActor();
  cluster.actor().PauseAt(65);
  ASSERT_TRUE(cluster.AwaitSteps(60));
  cluster.RecordReal(40);
  cluster.actor().GoOn();
  EXPECT_EQ(cluster.learner().Wait(kLong), 0) << cluster.learner().Output();
  const nlohmann::json last = nlohmann::json::parse(cluster.Lines("metrics.jsonl").back());
  EXPECT_EQ(last["real_rows"], 64);
  EXPECT_EQ(last["real_rows_added"], 0);
}

}  // namespace
}  // namespace estuary::learner
