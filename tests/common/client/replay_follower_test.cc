// Followers against real servers in this process, over Unix sockets.
#include "common/client/replay_follower.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "tests/common/client/replay_client_harness.h"
#include "tests/replay_server/harness.h"

namespace estuary::client {
namespace {

using replay::Address;
using replay::MemoryTable;
using replay::Range;
using replay::Rows;
using replay::StartServer;
using replay::TemporaryFolder;
using replay::TestSchema;
using replay::Values;

TEST(ReplayFollower, IsToldWhatTheRingEvicted) {
  const TemporaryFolder folder;
  const auto server = StartServer(folder.path(), {MemoryTable("rows", 100)});
  const auto writer = StartWriter(WriterOptions({Address(folder.path())}, "rows", "w"));
  for (uint32_t i = 0; i < 25; ++i) ASSERT_TRUE(writer->Append(Rows(10 * i, 10)).ok());
  ASSERT_TRUE(writer->Flush(kLong).ok());
  const auto follower = StartFollower({Address(folder.path())}, "rows", {30});
  const auto block = follower->Next(kLong);
  ASSERT_TRUE(block.ok());
  EXPECT_EQ(block->lost, 120);
  EXPECT_EQ(block->cursor, 150);
  EXPECT_EQ(Values(block->block), Range(150, 100));
  EXPECT_TRUE(block->caught_up);
  EXPECT_EQ(follower->stats()[0].lost, 120);
}

TEST(ReplayFollower, AStalledOneHoldsNobodyUpAndItsQueueIsBounded) {
  const TemporaryFolder folder;
  const auto server = StartServer(folder.path(), {MemoryTable("rows", 2'000'000)});
  auto stalled = ReplayFollower::Start({.shards = {Address(folder.path())},
                                        .table = "rows",
                                        .schema = TestSchema(),
                                        .queue_bytes = 1 << 20});
  const auto writer = StartWriter(WriterOptions({Address(folder.path())}, "rows", "w"));
  for (uint32_t i = 0; i < 500; ++i) ASSERT_TRUE(writer->Append(Rows(1000 * i, 1000)).ok());
  ASSERT_TRUE(writer->Flush(kLong).ok());
  const auto quick = StartFollower({Address(folder.path())}, "rows");
  EXPECT_EQ(Take(*quick, 500'000).size(), 500'000);
  EXPECT_EQ(Take(**stalled, 500'000), Range(0, 500'000));
}

// A shard whose writer left must not take the samples that the writer's new shard waits for.
TEST(ReplayFollower, ReportsSamplesWhereTheRowsCameFromOverAllItsLives) {
  const TemporaryFolder a;
  const TemporaryFolder b;
  const auto left = StartServer(a.path(), {MemoryTable("rows", 10'000)});
  const auto joined = StartServer(b.path(), {MemoryTable("rows", 10'000)});
  const std::vector<std::string> shards = {Address(a.path()), Address(b.path())};
  ReplayWriterOptions options = WriterOptions(shards, "rows", "w");
  options.shard = 1;
  const auto writer = StartWriter(options);
  ASSERT_TRUE(writer->Append(Rows(0, 300)).ok());
  ASSERT_TRUE(writer->Flush(kLong).ok());
  // In an earlier life 100 rows came from the first shard, which counts the 2 samples a row that
  // they are due.
  const auto follower = ReplayFollower::Start({.shards = shards,
                                               .table = "rows",
                                               .schema = TestSchema(),
                                               .rows_before = {100, 0},
                                               .samples_before = {200, 0}});
  ASSERT_TRUE(follower.ok()) << follower.status();
  EXPECT_EQ(Take(**follower, 300).size(), 300);
  while (!(*follower)->stats()[0].connected) absl::SleepFor(absl::Milliseconds(1));
  (*follower)->ReportSamples(600);
  const absl::Time deadline = absl::Now() + kLong;
  while (StatusOf(*joined, "rows").sampled() + StatusOf(*left, "rows").sampled() < 599.9) {
    ASSERT_LT(absl::Now(), deadline);
    absl::SleepFor(absl::Milliseconds(5));
  }
  EXPECT_NEAR(StatusOf(*joined, "rows").sampled(), 600, 1e-6);
  EXPECT_NEAR(StatusOf(*left, "rows").sampled(), 0, 1e-6);
}

}  // namespace
}  // namespace estuary::client
