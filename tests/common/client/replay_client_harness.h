// Writers and followers for tests against real servers in this process.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "common/client/replay_follower.h"
#include "common/client/replay_shards.h"
#include "common/client/replay_writer.h"
#include "gtest/gtest.h"
#include "tests/replay_server/harness.h"

namespace estuary::client {

inline constexpr absl::Duration kLong = absl::Seconds(20);

inline ReplayWriterOptions WriterOptions(const std::vector<std::string>& shards,
                                         const std::string& table, const std::string& id) {
  return {.shards = shards, .table = table, .writer_id = id, .schema = replay::TestSchema()};
}

inline std::unique_ptr<ReplayWriter> StartWriter(ReplayWriterOptions options) {
  auto writer = ReplayWriter::Start(std::move(options));
  EXPECT_TRUE(writer.ok()) << writer.status();
  return *std::move(writer);
}

inline std::unique_ptr<ReplayFollower> StartFollower(const std::vector<std::string>& shards,
                                                     const std::string& table,
                                                     std::vector<uint64_t> cursors = {}) {
  auto follower = ReplayFollower::Start({.shards = shards,
                                         .table = table,
                                         .schema = replay::TestSchema(),
                                         .cursors = std::move(cursors)});
  EXPECT_TRUE(follower.ok()) << follower.status();
  return *std::move(follower);
}

inline std::vector<uint32_t> Take(ReplayFollower& follower, size_t rows) {
  std::vector<uint32_t> values;
  while (values.size() < rows) {
    absl::StatusOr<FollowedBlock> block = follower.Next(kLong);
    if (!block.ok()) {
      ADD_FAILURE() << block.status() << " after " << values.size() << " rows";
      break;
    }
    for (const uint32_t value : replay::Values(block->block)) values.push_back(value);
  }
  return values;
}

inline v1::TableStatus StatusOf(replay::ReplayServer& server, const std::string& table) {
  return *FindTable(server.shard().Describe(), table);
}

}  // namespace estuary::client
