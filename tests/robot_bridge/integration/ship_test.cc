// Real transitions on their way into table real: a robot, a bridge, a replay shard, and what kills
// them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "common/client/replay_follower.h"
#include "common/client/replay_shards.h"
#include "common/process/files.h"
#include "common/process/textproto.h"
#include "common/transition/block.h"
#include "robot_bridge/tasks.h"
#include "tests/robot_bridge/integration/bench.h"

namespace estuary::bridge {
namespace {

using transition::StandardColumn;

class ShipTest : public Bench {
 protected:
  ShipTest() : shard_(absl::StrCat("unix:", folder_, "/replay.sock")) {}
  ~ShipTest() override { replay_.reset(); }

  void StartReplay(const std::string& task = "wheel_legged_stand") {
    v1::TableConfigs configs;
    v1::TableConfig& table = *configs.add_tables();
    table.set_name("real");
    *table.mutable_schema() = FindRobotTask(task)->Schema().proto();
    table.set_capacity(1'000'000);
    table.set_remover(v1::REMOVER_NONE);
    table.set_durability(v1::DURABILITY_DISK);
    const std::string path = folder_ + "/tables.textproto";
    ASSERT_TRUE(process::WriteFileAtomically(path, process::ToTextProto(configs)).ok());
    replay_ = std::make_unique<ChildProcess>(
        std::vector<std::string>{Binary("estuary-replay"), "--listen=" + shard_,
                                 "--table_config=" + path, "--data_dir=" + folder_ + "/data"},
        folder_ + "/replay.log");
  }
  void KillReplay() {
    replay_->Signal(SIGKILL);
    replay_->Wait(absl::Seconds(5));
  }
  void KillBridge() {
    bridge_->Signal(SIGKILL);
    bridge_->Wait(absl::Seconds(5));
  }
  void StartRecordingBridge(std::vector<std::string> more = {}) {
    more.push_back("--replay=" + shard_);
    more.push_back("--spool_dir=" + folder_ + "/spool");
    StartBridge(more);
  }
  bool Drives(double seconds) {
    return WaitFor(
        [seconds](const v1::RobotStatus& status) { return status.episode_seconds() >= seconds; });
  }
  bool EverythingIsAcknowledged() {
    return WaitFor([](const v1::RobotStatus& status) {
      return !status.robot_connected() && status.transitions_recorded() > 0 &&
             status.transitions_acknowledged() == status.transitions_recorded();
    });
  }

  // All rows of the table.
  v1::TransitionBlock ReadTable() {
    v1::TransitionBlock all;
    const transition::Schema schema = FindRobotTask("wheel_legged_stand")->Schema();
    auto follower = client::ReplayFollower::Start(
        {.shards = {shard_}, .table = "real", .schema = schema, .cursors = {}, .max_rows = 0});
    EXPECT_TRUE(follower.ok()) << follower.status();
    for (int i = 0; i < schema.columns(); ++i) all.add_columns();
    for (;;) {
      const auto next = (*follower)->Next(absl::Seconds(5));
      if (!next.ok()) {
        ADD_FAILURE() << next.status();
        return all;
      }
      for (int i = 0; i < schema.columns(); ++i) {
        all.mutable_columns(i)->append(next->block.columns(i));
      }
      all.set_rows(all.rows() + next->block.rows());
      if (next->caught_up) return all;
    }
  }

  // No row twice and none out of order: within an episode each transition begins where the one
  // before ended, and an episode ends by a flag, once.
  static void ExpectUnbrokenEpisodes(const v1::TransitionBlock& block, uint32_t bridges_killed) {
    const auto observation = transition::Floats(block, StandardColumn::kObservation);
    const auto next = transition::Floats(block, StandardColumn::kNextObservation);
    const auto flags = transition::Bytes(block, StandardColumn::kFlags);
    const auto episode = transition::Uints(block, StandardColumn::kEpisode);
    uint32_t broken = 0;
    for (uint32_t i = 0; i + 1 < block.rows(); ++i) {
      ASSERT_LE(episode[i], episode[i + 1]);
      if (episode[i] == episode[i + 1]) {
        ASSERT_EQ(flags[i], 0) << "row " << i;
        for (int k = 0; k < 4; ++k) ASSERT_EQ(next[4 * i + k], observation[4 * (i + 1) + k]) << i;
      } else if (flags[i] == 0) {
        ++broken;
      }
    }
    // A killed bridge takes the transition with it that it held back.
    EXPECT_LE(broken, bridges_killed);
  }

  std::string shard_;
  std::unique_ptr<ChildProcess> replay_;
};

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
