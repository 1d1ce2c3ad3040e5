// A bench whose bridge records: with a replay shard, and a look at everything that has come into
// table real.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "common/client/replay_follower.h"
#include "common/client/replay_shards.h"
#include "common/client/replay_writer.h"
#include "common/process/files.h"
#include "common/process/textproto.h"
#include "common/transition/block.h"
#include "estuary/v1/replay.pb.h"
#include "robot_bridge/spool/spool.h"
#include "robot_bridge/tasks.h"
#include "tests/robot_bridge/integration/bench.h"

namespace estuary::bridge {

using transition::StandardColumn;

class RecordingBench : public Bench {
 protected:
  RecordingBench() : shard_(absl::StrCat("unix:", folder_, "/replay.sock")) {}
  ~RecordingBench() override { replay_.reset(); }

  static transition::Schema StandSchema() { return FindRobotTask("wheel_legged_stand")->Schema(); }

  void StartReplay(const std::string& task = "wheel_legged_stand",
                   const std::vector<std::string>& more = {}) {
    v1::TableConfigs configs;
    v1::TableConfig& table = *configs.add_tables();
    table.set_name("real");
    *table.mutable_schema() = FindRobotTask(task)->Schema().proto();
    table.set_capacity(1'000'000);
    table.set_remover(v1::REMOVER_NONE);
    table.set_durability(v1::DURABILITY_DISK);
    const std::string path = folder_ + "/tables.textproto";
    ASSERT_TRUE(process::WriteFileAtomically(path, process::ToTextProto(configs)).ok());
    std::vector<std::string> words = prefix_;
    words.insert(words.end(), {Binary("estuary-replay"), "--listen=" + shard_,
                               "--table_config=" + path, "--data_dir=" + folder_ + "/data"});
    words.insert(words.end(), more.begin(), more.end());
    replay_ = std::make_unique<ChildProcess>(words, folder_ + "/replay.log");
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
    StartBridge(more, prefix_);
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
    const transition::Schema schema = StandSchema();
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

  // The first sequence number of this robot's bridge that the replay does not hold.
  uint64_t NextSequence() {
    auto writer = client::ReplayWriter::Start({.shards = {shard_},
                                               .table = "real",
                                               .writer_id = "robot/bridge",
                                               .schema = StandSchema()});
    EXPECT_TRUE(writer.ok()) << writer.status();
    const absl::StatusOr<uint64_t> next = (*writer)->WaitUntilConnected(absl::Seconds(10));
    EXPECT_TRUE(next.ok()) << next.status();
    return next.value_or(0);
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

  // The bridge has ended and the replay runs: every row that the spool ever gave a number is in the
  // table, once, in order.
  void ExpectExactlyOnce(uint32_t bridges_killed = 0) {
    const v1::TransitionBlock block = ReadTable();
    const uint64_t next_sequence = NextSequence();
    EXPECT_EQ(block.rows(), next_sequence) << "the writer's numbers go from 0, each is one row";
    const auto spool = Spool::Open({.directory = folder_ + "/spool"}, StandSchema());
    ASSERT_TRUE(spool.ok()) << spool.status();
    ASSERT_TRUE((*spool)->origin().has_value());
    EXPECT_EQ(*(*spool)->origin() + (*spool)->next(), next_sequence);
    EXPECT_EQ((*spool)->torn_bytes(), 0u);
    ExpectUnbrokenEpisodes(block, bridges_killed);
  }

  std::string shard_;
  std::unique_ptr<ChildProcess> replay_;
  // Words to put before the replay's and the bridge's own: "/usr/bin/env", "A=b".
  std::vector<std::string> prefix_;
};

}  // namespace estuary::bridge
