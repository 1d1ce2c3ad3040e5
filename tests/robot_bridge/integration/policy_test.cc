// Policies on their way into a bridge that drives, from a file and from a learner.
#include "common/policy/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/actors/fake_learner.h"
#include "tests/chaos/standing_policy.h"
#include "tests/robot_bridge/integration/bench.h"

namespace estuary::bridge {
namespace {

using testing::HasSubstr;

class PolicyTest : public Bench {
 protected:
  PolicyTest()
      : learner_(absl::StrCat("unix:", folder_, "/learner.sock"), v1::Experiment(), "run") {}

  void Publish(const v1::PolicyVersion& policy) {
    v1::PolicyUpdate update;
    *update.mutable_policy() = policy;
    learner_.Publish(update);
  }
  bool Says(const std::string& words) {
    return WaitFor(
        [&](const v1::RobotStatus&) { return bridge_->Output().find(words) != std::string::npos; });
  }

  actor::testing::FakeLearner learner_;
};

TEST_F(PolicyTest, APolicyFromAFileKeepsTheRobotStanding) {
  const std::string file = folder_ + "/final_policy.pb";
  ASSERT_TRUE(policy::WritePolicyFile(file, StandingPolicy(12)).ok());
  StartBridge({"--policy_file=" + file});
  StartRobot({"--seconds=3"});
  ArmWhenThere();
  ASSERT_TRUE(SetMode(v1::ROBOT_STATE_POLICY).ok());
  EXPECT_EQ(Status().state(), v1::ROBOT_STATE_POLICY);
  EXPECT_EQ(Status().policy_version(), 12u);
  ASSERT_EQ(robot_->Wait(absl::Seconds(30)), 0);
  EXPECT_EQ(Episode()["end"], "time") << robot_->Output() << bridge_->Output();
}

TEST_F(PolicyTest, VersionsFromALearnerAreSwappedInAndBadOnesRefusedWhileTheRobotStands) {
  learner_.Start();
  StartBridge({"--learner=" + learner_.address()});
  StartRobot({"--seconds=1000", "--stop_at_fall"});
  ArmWhenThere();
  EXPECT_EQ(SetMode(v1::ROBOT_STATE_POLICY).code(), absl::StatusCode::kFailedPrecondition);
  v1::PolicyVersion wrong_shape = StandingPolicy(1);
  wrong_shape.set_observation_dim(3);
  policy::SealPolicyVersion(wrong_shape);
  Publish(wrong_shape);
  ASSERT_TRUE(Says("refused policy version 1")) << bridge_->Output();
  EXPECT_EQ(SetMode(v1::ROBOT_STATE_POLICY).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Status().state(), v1::ROBOT_STATE_ARMED);

  const auto has_version = [](uint64_t version) {
    return [version](const v1::RobotStatus& status) { return status.policy_version() == version; };
  };
  Publish(StandingPolicy(2));
  ASSERT_TRUE(WaitFor(has_version(2))) << bridge_->Output();
  ASSERT_TRUE(SetMode(v1::ROBOT_STATE_POLICY).ok());
  Publish(StandingPolicy(3, "run", std::numeric_limits<float>::quiet_NaN()));
  ASSERT_TRUE(Says("refused policy version 3")) << bridge_->Output();
  v1::PolicyVersion tampered = StandingPolicy(4);
  tampered.set_gradient_steps(99);
  Publish(tampered);
  ASSERT_TRUE(Says("refused policy version 4")) << bridge_->Output();
  v1::PolicyVersion other_task = StandingPolicy(5);
  other_task.set_task("wheel_legged_move");
  policy::SealPolicyVersion(other_task);
  Publish(other_task);
  ASSERT_TRUE(Says("refused policy version 5")) << bridge_->Output();
  EXPECT_EQ(Status().policy_version(), 2u);
  EXPECT_EQ(Status().state(), v1::ROBOT_STATE_POLICY);

  learner_.Stop();
  absl::SleepFor(absl::Seconds(1));
  EXPECT_EQ(Status().state(), v1::ROBOT_STATE_POLICY) << "a lost learner changes nothing";
  learner_.Start();
  Publish(StandingPolicy(6));
  ASSERT_TRUE(WaitFor(has_version(6))) << bridge_->Output();
  EXPECT_FALSE(robot_->Wait(absl::ZeroDuration()).has_value()) << robot_->Output();
  EXPECT_TRUE(Status().robot_connected());
}

TEST_F(PolicyTest, ABridgeDoesNotStartWithAPolicyOfAnotherTask) {
  const std::string file = folder_ + "/final_policy.pb";
  ASSERT_TRUE(policy::WritePolicyFile(file, StandingPolicy(1)).ok());
  ChildProcess bridge({Binary("estuary-bridge"), "--listen=" + address_, "--task=wheel_legged_move",
                       "--policy_file=" + file},
                      folder_ + "/bridge.log");
  EXPECT_EQ(bridge.Wait(absl::Seconds(10)), 1);
  EXPECT_THAT(bridge.Output(), HasSubstr("final_policy.pb"));
  EXPECT_THAT(bridge.Output(), HasSubstr("wheel_legged_stand"));
}

}  // namespace
}  // namespace estuary::bridge
