// estuary-actor as a process, between a scripted learner and a real estuary-replay.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/experiment/experiment.h"
#include "common/transition/block.h"
#include "tests/actors/child_process.h"
#include "tests/actors/fake_learner.h"
#include "tests/actors/replay_process.h"
#include "tests/common/policy/policies.h"
#include "worlds/world.h"

namespace estuary::actor {
namespace {

using policy::testing::MakePolicyVersion;
using testing::ChildProcess;
using ::testing::ContainsRegex;
using testing::FakeLearner;
using ::testing::HasSubstr;
using testing::ReplayProcess;

constexpr absl::Duration kSoon = absl::Seconds(60);
constexpr char kTask[] = "wheel_legged_stand";

v1::Experiment StandingExperiment() {
  v1::Experiment experiment;
  experiment.set_name("rollout-test");
  experiment.set_task(kTask);
  experiment.mutable_algorithm()->set_name("sac");
  experiment.mutable_cluster()->set_environments_per_actor(4);
  EXPECT_TRUE(experiment::FillDefaults(experiment).ok());
  return experiment;
}

transition::Schema StandingSchema(int gap_edits = 0) {
  const worlds::TaskSpec task = *worlds::FindTask(kTask);
  return transition::Schema::Simulated(kTask, task.observation_dim, task.action_dim, 5000,
                                       gap_edits);
}

v1::PolicyUpdate Version(uint64_t version, uint64_t limit = 0, bool final = false) {
  const transition::Schema schema = StandingSchema();
  v1::PolicyUpdate update;
  *update.mutable_policy() = MakePolicyVersion({.task = kTask,
                                                .run_id = "run-1",
                                                .observation_dim = schema.observation_dim(),
                                                .action_dim = schema.action_dim(),
                                                .hidden = {32, 32},
                                                .version = version});
  update.set_environment_steps_limit(limit);
  update.set_final(final);
  return update;
}

class RolloutProcess : public ::testing::Test {
 protected:
  RolloutProcess()
      : folder_(absl::StrCat("/tmp/rollout_test_", getpid(), "_",
                             ::testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~RolloutProcess() override {
    actor_.reset();
    replay_.reset();
    learner_.reset();
    std::filesystem::remove_all(folder_);
  }

  void StartAll(const v1::Experiment& experiment = StandingExperiment(),
                const v1::SamplesPerInsert* limiter = nullptr) {
    learner_ = std::make_unique<FakeLearner>(absl::StrCat("unix:", folder_, "/learner.sock"),
                                             experiment, "run-1");
    learner_->Start();
    replay_ = std::make_unique<ReplayProcess>(
        absl::StrCat(ESTUARY_BIN_DIR, "/estuary-replay"), folder_,
        StandingSchema(experiment.gap().edits_size()), 1'000'000, limiter);
    StartActor();
  }

  void StartActor(const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {absl::StrCat(ESTUARY_BIN_DIR, "/estuary-actor"),
                                          "--learner=" + learner_->address(),
                                          "--replay=" + replay_->address()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    actor_ = std::make_unique<ChildProcess>(arguments, folder_ + "/actor.log");
  }

  // Episode numbers of the first rows, in order.
  std::vector<uint32_t> Episodes(uint64_t rows) const {
    const auto columns = replay_->Read(StandingSchema(), rows);
    std::vector<uint32_t> episodes(rows);
    std::memcpy(episodes.data(), columns[transition::kEpisode].data(), 4 * rows);
    return episodes;
  }

  const std::string folder_;
  std::unique_ptr<FakeLearner> learner_;
  std::unique_ptr<ReplayProcess> replay_;
  std::unique_ptr<ChildProcess> actor_;
};

TEST_F(RolloutProcess, FillsTheReplayUntilTrainingEnds) {
  StartAll();
  learner_->Publish(Version(1));
  ASSERT_TRUE(replay_->WaitForRows(3000)) << actor_->Output();
  learner_->Publish(Version(2, 0, /*final=*/true));
  EXPECT_EQ(actor_->Wait(kSoon), 0) << actor_->Output();
  EXPECT_THAT(actor_->Output(), HasSubstr("training has ended"));
}

TEST_F(RolloutProcess, LabelsEveryRowWithTheGapOfItsEpisode) {
  v1::Experiment experiment = StandingExperiment();
  experiment.mutable_gap()->add_edits()->set_action_noise(.25);
  v1::GapEdit& delay = *experiment.mutable_gap()->add_edits();
  delay.set_action_delay(0);
  delay.set_up_to(3);
  StartAll(experiment);
  learner_->Publish(Version(1));
  constexpr uint64_t kRows = 3000;
  ASSERT_TRUE(replay_->WaitForRows(kRows)) << actor_->Output();
  const auto columns = replay_->Read(StandingSchema(2), kRows);
  std::vector<float> labels(2 * kRows);
  std::memcpy(labels.data(), columns[transition::kGapColumn].data(), 8 * kRows);
  std::vector<uint32_t> episodes(kRows);
  std::memcpy(episodes.data(), columns[transition::kEpisode].data(), 4 * kRows);
  std::map<uint32_t, float> delays;
  std::set<float> seen;
  for (uint64_t i = 0; i < kRows; ++i) {
    EXPECT_EQ(labels[2 * i], .25f);
    EXPECT_EQ(delays.emplace(episodes[i], labels[2 * i + 1]).first->second, labels[2 * i + 1]);
    seen.insert(labels[2 * i + 1]);
  }
  EXPECT_THAT(seen, ::testing::ElementsAre(0, 1, 2, 3));
}

TEST_F(RolloutProcess, GoesOnWithItsSequenceAfterAKill) {
  StartAll();
  learner_->Publish(Version(1));
  ASSERT_TRUE(replay_->WaitForRows(2000)) << actor_->Output();
  actor_->Signal(SIGKILL);
  ASSERT_EQ(actor_->Wait(kSoon), -SIGKILL);
  const uint64_t before = replay_->Describe().inserted();
  StartActor();
  ASSERT_TRUE(replay_->WaitForRows(before + 2000)) << actor_->Output();
  EXPECT_THAT(actor_->Output(), HasSubstr(absl::StrCat("from row ", before, " on")));
  const v1::TableStatus table = replay_->Describe();
  EXPECT_EQ(table.duplicates_dropped(), 0u);
  EXPECT_EQ(table.rejected(), 0u);
  // The second life's episodes are numbered apart from the first's.
  const std::vector<uint32_t> episodes = Episodes(before + 2000);
  const std::set<uint32_t> first(episodes.begin(), episodes.begin() + before);
  for (size_t i = before; i < episodes.size(); ++i) EXPECT_FALSE(first.contains(episodes[i]));
}

TEST_F(RolloutProcess, GoesOnUnderItsHostsNameAsAReplica) {
  StartAll();
  learner_->Publish(Version(1));
  ASSERT_TRUE(replay_->WaitForRows(1000)) << actor_->Output();
  actor_->Signal(SIGKILL);
  ASSERT_EQ(actor_->Wait(kSoon), -SIGKILL);
  const uint64_t of_actor_0 = replay_->Describe().inserted();
  StartActor({"--replica"});
  ASSERT_TRUE(replay_->WaitForRows(of_actor_0 + 1000)) << actor_->Output();
  actor_->Signal(SIGKILL);
  ASSERT_EQ(actor_->Wait(kSoon), -SIGKILL);
  const uint64_t of_replica = replay_->Describe().inserted() - of_actor_0;
  StartActor({"--replica"});
  ASSERT_TRUE(replay_->WaitForRows(of_actor_0 + of_replica + 1000)) << actor_->Output();
  // The log holds all three lives: the replica did not go on with actor 0's rows, but with its own.
  EXPECT_THAT(actor_->Output(), ContainsRegex("from row 0 on(.|\n)*from row 0 on"));
  EXPECT_THAT(actor_->Output(), HasSubstr(absl::StrCat("from row ", of_replica, " on")));
}

TEST_F(RolloutProcess, FlushesWhenAskedToStop) {
  StartAll();
  learner_->Publish(Version(1));
  ASSERT_TRUE(replay_->WaitForRows(1000)) << actor_->Output();
  actor_->Signal(SIGTERM);
  ASSERT_EQ(actor_->Wait(kSoon), 0) << actor_->Output();
  EXPECT_THAT(actor_->Output(),
              HasSubstr(absl::StrCat("asked to stop after ", replay_->Describe().inserted())));
}

TEST_F(RolloutProcess, StepsOnWithoutItsLearnerAndHearsItWhenItIsBack) {
  StartAll();
  learner_->Publish(Version(1));
  ASSERT_TRUE(replay_->WaitForRows(1000)) << actor_->Output();
  learner_->Stop();
  const uint64_t rows = replay_->Describe().inserted();
  ASSERT_TRUE(replay_->WaitForRows(rows + 2000)) << actor_->Output();
  learner_->Publish(Version(2, 0, /*final=*/true));
  learner_->Start();
  EXPECT_EQ(actor_->Wait(kSoon), 0) << actor_->Output();
}

TEST_F(RolloutProcess, OutlivesItsShardsRestart) {
  StartAll();
  learner_->Publish(Version(1));
  ASSERT_TRUE(replay_->WaitForRows(1000)) << actor_->Output();
  replay_->process().Signal(SIGTERM);
  ASSERT_EQ(replay_->process().Wait(kSoon), 0) << replay_->process().Output();
  replay_->Start();
  ASSERT_TRUE(replay_->WaitForRows(1)) << replay_->process().Output();
  const uint64_t rows = replay_->Describe().inserted();
  EXPECT_TRUE(replay_->WaitForRows(rows + 1000)) << actor_->Output();
}

TEST_F(RolloutProcess, IsHeldBackByTheLimiterAndStillEnds) {
  v1::SamplesPerInsert limiter;
  limiter.set_samples_per_insert(1);
  limiter.set_min_size(500);
  limiter.set_error_buffer(300);
  StartAll(StandingExperiment(), &limiter);
  learner_->Publish(Version(1));
  ASSERT_TRUE(replay_->WaitForRows(800)) << actor_->Output();
  absl::SleepFor(absl::Seconds(1));
  // Nobody samples; a block may be let in whole.
  EXPECT_LE(replay_->Describe().inserted(), 800 + 512u);
  learner_->Publish(Version(2, 0, /*final=*/true));
  EXPECT_EQ(actor_->Wait(kSoon), 0) << actor_->Output();
}

TEST_F(RolloutProcess, KeepsLockstepAndGivesTheSameBitsAgain) {
  v1::Experiment experiment = StandingExperiment();
  experiment.set_deterministic(true);
  experiment.mutable_cluster()->set_environments_per_actor(1);
  experiment.mutable_exploration()->set_random_steps(150);
  experiment.mutable_exploration()->set_noise_correlation(0.8);
  std::vector<std::string> runs[2];
  for (auto& rows : runs) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    StartAll(experiment);
    for (uint64_t version = 1; version <= 4; ++version) {
      learner_->Publish(Version(version, version * 100));
      ASSERT_TRUE(replay_->WaitForRows(version * 100)) << actor_->Output();
      absl::SleepFor(absl::Milliseconds(100));
      ASSERT_EQ(replay_->Describe().inserted(), version * 100);
    }
    rows = replay_->Read(StandingSchema(), 400);
    learner_->Publish(Version(5, 500, /*final=*/true));
    EXPECT_EQ(actor_->Wait(kSoon), 0) << actor_->Output();
  }
  ASSERT_EQ(runs[0].size(), 8u);
  EXPECT_EQ(runs[0], runs[1]);
  // Random steps first, then each hundred by its own version.
  std::vector<uint32_t> versions(400);
  std::memcpy(versions.data(), runs[0][transition::kPolicyVersion].data(), 1600);
  for (uint32_t i = 0; i < 400; ++i) EXPECT_EQ(versions[i], i < 150 ? 0 : i / 100 + 1) << i;
}

TEST_F(RolloutProcess, EvaluatesInItsOtherRole) {
  StartAll();
  StartActor({"--role=evaluate"});
  learner_->Publish(Version(1));
  learner_->Publish(Version(2, 0, /*final=*/true));
  EXPECT_EQ(actor_->Wait(kSoon), 0) << actor_->Output();
  EXPECT_EQ(learner_->reports().size(), 4u);
}

TEST_F(RolloutProcess, EndsAtOnceWhileItWaitsForItsLearner) {
  StartAll();
  learner_->Stop();
  StartActor();
  absl::SleepFor(absl::Milliseconds(300));
  actor_->Signal(SIGTERM);
  EXPECT_EQ(actor_->Wait(absl::Seconds(5)), 0) << actor_->Output();
}

TEST_F(RolloutProcess, EndsWithOneClearLineWhenThePolicyIsAnotherTasks) {
  StartAll();
  v1::PolicyUpdate update;
  *update.mutable_policy() = MakePolicyVersion({.task = "walker2d", .run_id = "run-1"});
  learner_->Publish(update);
  EXPECT_EQ(actor_->Wait(kSoon), 1);
  EXPECT_THAT(actor_->Output(),
              HasSubstr("estuary-actor: error: policy version 1 of run 'run-1' is for task "
                        "'walker2d'"));
}

TEST_F(RolloutProcess, RefusesAnExperimentWithoutSimulation) {
  v1::Experiment experiment = StandingExperiment();
  experiment.clear_algorithm();
  experiment.mutable_algorithm()->set_name("cql");
  experiment.mutable_dataset()->set_path("/data/standing.h5");
  const absl::Status filled = experiment::FillDefaults(experiment);
  ASSERT_TRUE(filled.ok()) << filled;
  StartAll(experiment);
  EXPECT_EQ(actor_->Wait(kSoon), 1);
  EXPECT_THAT(actor_->Output(), HasSubstr("learns without a simulator"));
}

TEST_F(RolloutProcess, NamesAPeerThatIsNotThere) {
  StartAll();
  StartActor({"--patience=300ms", "--replay=unix:/tmp/no-such-replay.sock", "--index=7"});
  EXPECT_EQ(actor_->Wait(kSoon), 1);
  EXPECT_THAT(actor_->Output(), HasSubstr("/tmp/no-such-replay.sock"));
}

TEST_F(RolloutProcess, RefusesFlagsThatMeanNothing) {
  StartAll();
  const std::pair<std::string, std::string> bad[] = {
      {"--role=dance", "--role is 'dance'; it may be rollout or evaluate"},
      {"--index=-1", "--index is -1"},
      {"--environments=-5", "--environments is -5"},
      {"--environments=100000", "100000 environments; one actor steps 1 to 4096"},
      {"--replay=", "--replay is needed"},
      {"--learner=", "--learner is needed"},
  };
  for (const auto& [flag, words] : bad) {
    StartActor({flag});
    EXPECT_EQ(actor_->Wait(kSoon), 2) << flag;
    EXPECT_THAT(actor_->Output(), HasSubstr(words));
  }
  StartActor({"--index=2", "--replica"});
  EXPECT_EQ(actor_->Wait(kSoon), 2);
  EXPECT_THAT(actor_->Output(), HasSubstr("--index=2 and --replica both name this actor"));
}

}  // namespace
}  // namespace estuary::actor
