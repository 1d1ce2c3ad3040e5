#include "actors/evaluate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/experiment/experiment.h"
#include "tests/actors/fake_learner.h"
#include "tests/common/policy/policies.h"

namespace estuary::actor {
namespace {

using policy::testing::MakePolicyVersion;
using testing::FakeLearner;
using ::testing::HasSubstr;

v1::Experiment StandingExperiment() {
  v1::Experiment experiment;
  experiment.set_name("evaluate-test");
  experiment.set_task("wheel_legged_stand");
  experiment.mutable_algorithm()->set_name("sac");
  experiment.mutable_evaluation()->set_episodes(3);
  experiment.mutable_evaluation()->set_sim_episodes(2);
  EXPECT_TRUE(experiment::FillDefaults(experiment).ok());
  return experiment;
}

v1::PolicyUpdate StandingPolicy(uint64_t version, bool final) {
  const worlds::TaskSpec task = *worlds::FindTask("wheel_legged_stand");
  v1::PolicyUpdate update;
  *update.mutable_policy() = MakePolicyVersion({.task = task.name,
                                                .run_id = "run-1",
                                                .observation_dim = task.observation_dim,
                                                .action_dim = task.action_dim,
                                                .hidden = {32, 32},
                                                .version = version});
  update.set_final(final);
  return update;
}

class EvaluateTest : public ::testing::Test {
 protected:
  EvaluateTest()
      : learner_(absl::StrCat("unix:/tmp/evaluate_test_", getpid(), ".sock"), StandingExperiment(),
                 "run-1") {
    learner_.Start();
  }

  absl::Status Evaluate() {
    return RunEvaluate({.learner = learner_.address(),
                        .replay = {},
                        .metrics = "",
                        .patience = absl::Seconds(20)});
  }

  FakeLearner learner_;
};

TEST_F(EvaluateTest, ReportsEveryVersionOnBothDynamicsAndEndsWithTheFinalOne) {
  learner_.Publish(StandingPolicy(1, false));
  learner_.Publish(StandingPolicy(2, false));
  learner_.Publish(StandingPolicy(5, true));
  ASSERT_TRUE(Evaluate().ok());
  const auto reports = learner_.reports();
  ASSERT_EQ(reports.size(), 6u);
  const uint64_t versions[] = {1, 1, 2, 2, 5, 5};
  for (size_t i = 0; i < 6; ++i) {
    const bool real = i % 2 == 0;
    EXPECT_EQ(reports[i].policy_version(), versions[i]);
    EXPECT_EQ(reports[i].dynamics(), real ? "real" : "sim");
    ASSERT_EQ(reports[i].episodes_size(), real ? 3 : 2);
    for (const v1::Episode& episode : reports[i].episodes()) {
      EXPECT_GT(episode.steps(), 0u);
      EXPECT_TRUE(std::isfinite(episode.episode_return()));
      EXPECT_TRUE(episode.figures().contains("max_abs_x"));
    }
    // No two episodes begin alike.
    EXPECT_NE(reports[i].episodes(0).episode_return(), reports[i].episodes(1).episode_return());
  }
}

TEST_F(EvaluateTest, GivesTheSameNumbersAgain) {
  learner_.Publish(StandingPolicy(3, true));
  ASSERT_TRUE(Evaluate().ok());
  ASSERT_TRUE(Evaluate().ok());
  const auto reports = learner_.reports();
  ASSERT_EQ(reports.size(), 4u);
  for (int i = 0; i < 2; ++i) {
    for (int e = 0; e < reports[i].episodes_size(); ++e) {
      EXPECT_EQ(reports[i].episodes(e).episode_return(),
                reports[i + 2].episodes(e).episode_return());
    }
  }
}

TEST_F(EvaluateTest, TriesAgainWhenTheLearnerDoesNotTakeAReport) {
  learner_.FailReports(2, grpc::Status(grpc::StatusCode::UNAVAILABLE, "busy"));
  learner_.Publish(StandingPolicy(1, true));
  ASSERT_TRUE(Evaluate().ok());
  EXPECT_EQ(learner_.reports().size(), 2u);
}

TEST_F(EvaluateTest, GoesOnWhenTheLearnerRefusesAReport) {
  learner_.FailReports(1, grpc::Status(grpc::StatusCode::NOT_FOUND, "never made that version"));
  learner_.Publish(StandingPolicy(1, false));
  learner_.Publish(StandingPolicy(2, true));
  ASSERT_TRUE(Evaluate().ok());
  EXPECT_EQ(learner_.reports().size(), 3u);
}

TEST_F(EvaluateTest, RefusesAnotherTasksPolicy) {
  v1::PolicyUpdate update;
  *update.mutable_policy() = MakePolicyVersion({.task = "half_cheetah", .run_id = "run-1"});
  learner_.Publish(update);
  const absl::Status status = Evaluate();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("half_cheetah"));
}

TEST(Evaluate, NamesALearnerThatIsNotThere) {
  const absl::Status status = RunEvaluate({.learner = "unix:/tmp/no-such-learner.sock",
                                           .replay = {},
                                           .metrics = "",
                                           .patience = absl::Milliseconds(300)});
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("/tmp/no-such-learner.sock"));
}

TEST(Evaluate, NamesATaskThatIsNotThere) {
  v1::Experiment experiment = StandingExperiment();
  experiment.set_task("no_such_task");
  FakeLearner learner(absl::StrCat("unix:/tmp/evaluate_task_test_", getpid(), ".sock"), experiment,
                      "run-1");
  learner.Start();
  const absl::Status status = RunEvaluate(
      {.learner = learner.address(), .replay = {}, .metrics = "", .patience = absl::Seconds(20)});
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("no_such_task"));
}

}  // namespace
}  // namespace estuary::actor
