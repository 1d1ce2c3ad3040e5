// Real transitions on their way into table real: a robot, a bridge, a replay shard, and what kills
// them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/robot_bridge/integration/recording.h"

namespace estuary::bridge {
namespace {

class ShipTest : public RecordingBench {};

TEST_F(ShipTest, EveryTransitionOfADriveEndsInTableReal) {
  StartReplay();
  StartRecordingBridge();
  StartRobot({"--seconds=3"});
  ArmWhenThere();
  ASSERT_EQ(robot_->Wait(absl::Seconds(30)), 0) << robot_->Output();
  ASSERT_TRUE(EverythingIsAcknowledged()) << bridge_->Output();
  const v1::RobotStatus status = Status();
  const v1::TransitionBlock block = ReadTable();
  EXPECT_EQ(block.rows(), status.transitions_recorded());
  EXPECT_GT(block.rows(), 300u);
  ExpectUnbrokenEpisodes(block, /*bridges_killed=*/0);
  const auto source = transition::Bytes(block, StandardColumn::kSource);
  EXPECT_EQ(source[0], v1::TRANSITION_SOURCE_FALLBACK);
  const auto latency = transition::Uints(block, transition::kStandardColumns + 1);
  EXPECT_GT(latency[0], 0u);
  EXPECT_LT(latency[0], 1'000'000u);
  const auto flags = transition::Bytes(block, StandardColumn::kFlags);
  EXPECT_EQ(flags[block.rows() - 1], v1::TRANSITION_FLAG_TRUNCATED);
}

TEST_F(ShipTest, NothingIsLostOrSentTwiceWhenBridgeAndReplayAreKilled) {
  StartReplay();
  StartRecordingBridge();
  StartRobot({"--seconds=1000", "--episodes=1000"});
  ArmWhenThere();
  ASSERT_TRUE(Drives(1.0)) << bridge_->Output();
  KillReplay();
  absl::SleepFor(absl::Milliseconds(500));
  uint64_t recorded = Status().transitions_recorded();
  KillBridge();
  StartRecordingBridge();
  absl::SleepFor(absl::Seconds(2));
  ArmWhenThere();
  ASSERT_TRUE(Drives(1.0)) << bridge_->Output() << robot_->Output();
  StartReplay();
  ASSERT_TRUE(Drives(2.0));
  robot_->Signal(SIGTERM);
  EXPECT_EQ(robot_->Wait(absl::Seconds(10)), 0);
  ASSERT_TRUE(WaitFor([](const v1::RobotStatus& status) {
    return !status.robot_connected() &&
           status.transitions_acknowledged() == status.transitions_recorded();
  })) << bridge_->Output();
  recorded += Status().transitions_recorded();
  bridge_->Signal(SIGTERM);
  EXPECT_EQ(bridge_->Wait(absl::Seconds(10)), 0) << bridge_->Output();
  const v1::TransitionBlock block = ReadTable();
  ExpectUnbrokenEpisodes(block, /*bridges_killed=*/1);
  // The killed bridge may take the last moments with it, which never reached its spool.
  EXPECT_LE(block.rows(), recorded + 10);
  EXPECT_GE(block.rows() + 30, recorded);
}

TEST_F(ShipTest, DrivesAndKeepsEverythingWithoutAnyReplayThenShipsIt) {
  StartRecordingBridge();
  StartRobot({"--seconds=2"});
  ArmWhenThere();
  ASSERT_EQ(robot_->Wait(absl::Seconds(30)), 0);
  EXPECT_EQ(Episode()["end"], "time") << robot_->Output();
  EXPECT_EQ(Status().transitions_acknowledged(), 0u);
  StartReplay();
  ASSERT_TRUE(EverythingIsAcknowledged()) << bridge_->Output();
  EXPECT_EQ(ReadTable().rows(), Status().transitions_recorded());
}

TEST_F(ShipTest, ATableOfAnotherTaskIsSaidAndTheSpoolKeepsTheRows) {
  StartReplay("wheel_legged_move");
  StartRecordingBridge();
  StartRobot({"--seconds=1"});
  ArmWhenThere();
  ASSERT_EQ(robot_->Wait(absl::Seconds(30)), 0);
  absl::SleepFor(absl::Seconds(1));
  EXPECT_THAT(bridge_->Output(), testing::HasSubstr("real transitions wait in the spool"));
  EXPECT_THAT(bridge_->Output(), testing::HasSubstr("wheel_legged_move"));
  EXPECT_EQ(Status().transitions_acknowledged(), 0u);
  EXPECT_GT(Status().transitions_recorded(), 100u);
}

TEST_F(ShipTest, ASecondBridgeMayNotHaveTheSameSpool) {
  StartRecordingBridge();
  ChildProcess second({Binary("estuary-bridge"), "--listen=unix:" + folder_ + "/second.sock",
                       "--replay=" + shard_, "--spool_dir=" + folder_ + "/spool"},
                      folder_ + "/second.log");
  EXPECT_EQ(second.Wait(absl::Seconds(10)), 1);
  EXPECT_THAT(second.Output(), testing::HasSubstr("is in use by another bridge"));
}

}  // namespace
}  // namespace estuary::bridge
