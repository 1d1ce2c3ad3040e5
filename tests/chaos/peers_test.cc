// Learner and replay die, come back, and cannot be reached.
#include "tests/chaos/network.h"
#include "tests/chaos/standing_robot.h"

namespace estuary::bridge {
namespace {

class Peers : public StandingRobot {};

TEST_F(Peers, TheLearnerIsKilledAndStartedAgain) {
  StartAll();
  Stand();
  KillLearner();
  ExpectStands(absl::Seconds(3));
  StartLearner();
  Publish(StandingPolicy(2));
  EXPECT_TRUE(HasVersion(2)) << Logs();
  ExpectStands(absl::Seconds(1));
  ExpectPolicyDrives();
  EndAndExpectExactlyOnce();
}

TEST_F(Peers, TheReplayIsKilledAndStartedAgain) {
  StartAll();
  Stand();
  KillReplay();
  ExpectStands(absl::Seconds(3));
  EXPECT_GT(Status().spool_rows_waiting(), 300u) << Logs();
  StartReplay();
  ExpectStands(absl::Seconds(1));
  // Again, while it still catches up.
  KillReplay();
  ExpectStands(absl::Seconds(1));
  StartReplay();
  ExpectPolicyDrives();
  EndAndExpectExactlyOnce();
}

TEST_F(Peers, BothAreKilledAndStartedAgain) {
  StartAll();
  Stand();
  KillLearner();
  KillReplay();
  ExpectStands(absl::Seconds(3));
  StartReplay();
  StartLearner();
  ExpectStands(absl::Seconds(1));
  ExpectPolicyDrives();
  EndAndExpectExactlyOnce();
}

TEST_F(Peers, EachIsRestartedInGoodOrder) {
  StartAll();
  Stand();
  for (int i = 0; i < 2; ++i) {
    learner_->Signal(SIGTERM);
    EXPECT_EQ(learner_->Wait(absl::Seconds(20)), 0);
    StartLearner();
    replay_->Signal(SIGTERM);
    EXPECT_EQ(replay_->Wait(absl::Seconds(20)), 0);
    ExpectStands(absl::Milliseconds(500));
    StartReplay();
    ExpectStands(absl::Seconds(1));
  }
  ExpectPolicyDrives();
  EndAndExpectExactlyOnce();
}

// A stopped process answers nothing and its connections stand: what a machine that hangs looks
// like.
TEST_F(Peers, BothHangForAWhile) {
  StartAll();
  Stand();
  learner_->Signal(SIGSTOP);
  replay_->Signal(SIGSTOP);
  ExpectStands(absl::Seconds(4));
  learner_->Signal(SIGCONT);
  replay_->Signal(SIGCONT);
  ExpectStands(absl::Seconds(1));
  ExpectPolicyDrives();
  EndAndExpectExactlyOnce();
}

TEST_F(Peers, TheBridgeIsKilledToo) {
  StartAll();
  Stand();
  KillReplay();
  ExpectStands(absl::Seconds(1));
  uint64_t recorded = Status().transitions_recorded();
  KillBridge();
  // The robot turns its motors off by itself, and falls.
  ASSERT_EQ(robot_->Wait(absl::Seconds(20)), 0) << Logs();
  EXPECT_EQ(Episode()["end"], "fallen");
  // Off from 100 ms after the last command on: some 50 periods pass until it lies.
  EXPECT_GT(Figure("unpowered_periods"), 10);
  StartRecordingBridge({"--learner=" + learner_address_});
  EXPECT_EQ(Status().state(), v1::ROBOT_STATE_DISARMED);
  StartRobot({"--seconds=1000", "--stop_at_fall"});
  Stand();
  StartReplay();
  ExpectStands(absl::Seconds(1));
  EndAndExpectExactlyOnce(recorded, /*bridges_killed=*/1);
}

TEST_F(Peers, TheNetworkIsABlackHoleForHalfAMinute) {
  CutNetwork network;
  if (!network.ready()) {
    GTEST_SKIP() << "this machine lets nobody make network namespaces; BothHangForAWhile is the "
                    "same without one";
  }
  const std::string here = shard_;
  shard_ = network.there_address() + ":7301";
  learner_address_ = network.there_address() + ":7302";
  Publish(StandingPolicy(1));
  StartLearner({"--insecure"}, network.Prefix());
  prefix_ = network.Prefix();
  StartReplay("wheel_legged_stand", {"--insecure"});
  prefix_.clear();
  StartRecordingBridge({"--learner=" + learner_address_, "--insecure"});
  StartRobot({"--seconds=1000", "--stop_at_fall"});
  Stand();
  ASSERT_TRUE(WaitFor([](const v1::RobotStatus& status) {
    return status.transitions_acknowledged() > 0;
  })) << Logs();
  ASSERT_TRUE(network.Cut());
  const uint64_t before = Status().transitions_acknowledged();
  ExpectStands(absl::Seconds(30));
  EXPECT_LT(Status().transitions_acknowledged(), before + 200) << "that was no black hole";
  EXPECT_GT(Status().spool_rows_waiting(), 4000u);
  ASSERT_TRUE(network.Join());
  Publish(StandingPolicy(2));
  EXPECT_TRUE(
      WaitFor([](const v1::RobotStatus& s) { return s.policy_version() == 2; }, absl::Seconds(60)))
      << Logs();
  ExpectStands(absl::Seconds(1));
  ExpectPolicyDrives();
  // What it holds is looked at from this side.
  ASSERT_TRUE(
      WaitFor([](const v1::RobotStatus& status) { return status.spool_rows_waiting() < 200; },
              absl::Seconds(90)))
      << Status().DebugString() << Logs();
  robot_->Signal(SIGTERM);
  ASSERT_EQ(robot_->Wait(absl::Seconds(20)), 0) << Logs();
  ASSERT_TRUE(WaitFor([](const v1::RobotStatus& s) { return s.spool_rows_waiting() == 0; }));
  const uint64_t recorded = Status().transitions_recorded();
  bridge_->Signal(SIGTERM);
  ASSERT_EQ(bridge_->Wait(absl::Seconds(20)), 0) << Logs();
  replay_->Signal(SIGTERM);
  ASSERT_EQ(replay_->Wait(absl::Seconds(20)), 0) << Logs();
  shard_ = here;
  StartReplay();
  ExpectExactlyOnce();
  EXPECT_EQ(ReadTable().rows(), recorded);
}

}  // namespace
}  // namespace estuary::bridge
