// A learner that goes on from its checkpoints, as a real process against real shards.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "learner/service/checkpoint_files.h"
#include "learner/service/checkpoint_store.h"
#include "tests/learner/service/learner_cluster.h"

namespace estuary::learner {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

TEST(LearnerResume, AKilledDeterministicRunResumesBitForBit) {
  const std::string straight = LearnerCluster(ToyExperiment("h2o", true)).Train();
  LearnerCluster cluster(ToyExperiment("h2o", true));
  cluster.StartShards();
  cluster.ImportReal(64);
  cluster.StartLearner();
  cluster.StartActor();
  // Beyond the checkpoint of step 100, in the middle of an epoch's rows.
  cluster.actor().PauseAt(65);
  ASSERT_TRUE(cluster.AwaitSteps(120));
  cluster.learner().Signal(SIGKILL);
  ASSERT_EQ(cluster.learner().Wait(kLong), -SIGKILL);
  cluster.StartLearner({"--resume"});
  ASSERT_TRUE(cluster.AwaitSteps(120));
  cluster.actor().GoOn();
  EXPECT_EQ(cluster.learner().Wait(kLong), 0) << cluster.learner().Output();
  EXPECT_THAT(cluster.learner().Output(), HasSubstr("going on from the checkpoint of step 100"));
  EXPECT_EQ(cluster.FinalPolicy(), straight);
}

TEST(LearnerResume, SigtermWritesACheckpointAndTheRunGoesOnBitForBit) {
  const std::string straight = LearnerCluster(ToyExperiment("h2o", true)).Train();
  LearnerCluster cluster(ToyExperiment("h2o", true));
  cluster.StartShards();
  cluster.ImportReal(64);
  cluster.StartLearner();
  cluster.StartActor();
  cluster.actor().PauseAt(33);
  ASSERT_TRUE(cluster.AwaitSteps(60));
  cluster.learner().Signal(SIGTERM);
  ASSERT_EQ(cluster.learner().Wait(kLong), 0) << cluster.learner().Output();
  EXPECT_TRUE(fs::exists(cluster.RunPath() + "/checkpoints/step-60/manifest.json"));
  EXPECT_FALSE(fs::exists(cluster.RunPath() + "/final_policy.pb"));
  cluster.actor().GoOn();
  cluster.StartLearner({"--resume"});
  EXPECT_EQ(cluster.learner().Wait(kLong), 0) << cluster.learner().Output();
  EXPECT_EQ(cluster.FinalPolicy(), straight);
}

// The last metrics that a run wrote.
nlohmann::json LastMetrics(const LearnerCluster& cluster) {
  return nlohmann::json::parse(cluster.Lines("metrics.jsonl").back());
}

TEST(LearnerResume, AResumedRunReportsEveryMetricOfAFreshOne) {
  LearnerCluster straight(ToyExperiment("h2o_reverse_kl", true));
  straight.Train();
  LearnerCluster cluster(ToyExperiment("h2o_reverse_kl", true));
  cluster.StartShards();
  cluster.ImportReal(64);
  cluster.StartLearner();
  cluster.StartActor();
  cluster.actor().PauseAt(33);
  ASSERT_TRUE(cluster.AwaitSteps(60));
  cluster.learner().Signal(SIGTERM);
  ASSERT_EQ(cluster.learner().Wait(kLong), 0) << cluster.learner().Output();
  cluster.actor().GoOn();
  cluster.StartLearner({"--resume"});
  ASSERT_EQ(cluster.learner().Wait(kLong), 0) << cluster.learner().Output();
  const nlohmann::json fresh = LastMetrics(straight), resumed = LastMetrics(cluster);
  std::vector<std::string> fresh_names, resumed_names;
  for (const auto& [name, value] : fresh.items()) fresh_names.push_back(name);
  for (const auto& [name, value] : resumed.items()) resumed_names.push_back(name);
  EXPECT_EQ(resumed_names, fresh_names);
  for (const char* once : {"dynamics_model/loss", "dynamics_model/error"}) {
    EXPECT_EQ(resumed.value(once, 0.0), fresh.value(once, 1.0)) << once;
  }
}

// Writes a run's newest checkpoint again with another state, as another build might have.
void RewriteState(const LearnerCluster& cluster, uint64_t step,
                  const std::function<void(nlohmann::json&)>& change) {
  CheckpointStore store(cluster.RunPath() + "/checkpoints", 100);
  auto checkpoint = store.ReadNewest();
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  ASSERT_EQ(checkpoint->step, step);
  nlohmann::json state = nlohmann::json::parse(checkpoint->files.at(kStateFile));
  change(state);
  checkpoint->files[kStateFile] = state.dump();
  fs::remove_all(store.PathOf(step));
  ASSERT_TRUE(store.Write(*checkpoint).ok());
}

TEST(LearnerResume, SaysWhatAnotherBuildsCheckpointLacksAndHowToGoOn) {
  LearnerCluster cluster(ToyExperiment("cql", true));
  const std::string straight = cluster.Train();
  RewriteState(cluster, 200, [](nlohmann::json& state) { state.erase("policy_version"); });
  cluster.StartLearner({"--resume"});
  EXPECT_EQ(cluster.learner().Wait(kLong), 1);
  const std::string said = cluster.learner().Output();
  EXPECT_THAT(said, HasSubstr("checkpoints/step-200/state.json': it has no 'policy_version'"));
  EXPECT_THAT(said, HasSubstr("rename the checkpoint's folder"));
  // As it says.
  const std::string checkpoints = cluster.RunPath() + "/checkpoints/";
  fs::rename(checkpoints + "step-200", checkpoints + "other-200");
  cluster.StartLearner({"--resume"});
  EXPECT_EQ(cluster.learner().Wait(kLong), 0) << cluster.learner().Output();
  EXPECT_EQ(cluster.FinalPolicy(), straight);
  // Without what earlier builds had no need of.
  RewriteState(cluster, 200, [](nlohmann::json& state) { state.erase("real_rows_added"); });
  cluster.StartLearner({"--resume"});
  EXPECT_EQ(cluster.learner().Wait(kLong), 0) << cluster.learner().Output();
}

TEST(LearnerResume, ARunThatWasKilledBeforeItsFirstStepBeginsAgain) {
  const std::string straight = LearnerCluster(ToyExperiment("h2o", true)).Train();
  LearnerCluster cluster(ToyExperiment("h2o", true));
  cluster.StartShards();
  cluster.StartLearner();
  ASSERT_TRUE(cluster.Await([](const v1::LearnerStatus& status) {
    return status.phase() == v1::LEARNER_PHASE_WAITING_FOR_REAL_DATA;
  }));
  cluster.learner().Signal(SIGKILL);
  cluster.learner().Wait(kLong);
  cluster.ImportReal(64);
  cluster.StartActor();
  cluster.StartLearner({"--resume"});
  EXPECT_EQ(cluster.learner().Wait(kLong), 0) << cluster.learner().Output();
  EXPECT_EQ(cluster.FinalPolicy(), straight);
}

TEST(LearnerResume, ResumesFromTheCheckpointBeforeADamagedOne) {
  const std::string straight = LearnerCluster(ToyExperiment("h2o", true)).Train();
  LearnerCluster cluster(ToyExperiment("h2o", true));
  cluster.Train();
  cluster.StopActor();
  const std::string checkpoints = cluster.RunPath() + "/checkpoints";
  fs::resize_file(checkpoints + "/step-200/engine.bin", 100);
  cluster.StartActor();
  cluster.StartLearner({"--resume"});
  EXPECT_EQ(cluster.learner().Wait(kLong), 0) << cluster.learner().Output();
  EXPECT_THAT(cluster.learner().Output(), HasSubstr("step-200/engine.bin' has 100 bytes"));
  EXPECT_THAT(cluster.learner().Output(), HasSubstr("going on from the checkpoint of step 150"));
  EXPECT_EQ(cluster.FinalPolicy(), straight);
  EXPECT_TRUE(fs::exists(checkpoints + "/damaged-step-200"));

  for (const auto& entry : fs::directory_iterator(checkpoints)) {
    fs::resize_file(entry.path() / "manifest.json", 10);
  }
  cluster.StartLearner({"--resume"});
  EXPECT_EQ(cluster.learner().Wait(kLong), 1);
  EXPECT_THAT(cluster.learner().Output(), HasSubstr("no checkpoint in"));
  EXPECT_THAT(cluster.learner().Output(), HasSubstr("step-150/manifest.json' is damaged"));
}

}  // namespace
}  // namespace estuary::learner
