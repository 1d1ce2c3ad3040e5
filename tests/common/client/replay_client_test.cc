// Writer, follower and sampler against real servers in this process, over Unix sockets.
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/client/replay_follower.h"
#include "common/client/replay_sampler.h"
#include "common/client/replay_shards.h"
#include "common/client/replay_writer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/common/client/replay_client_harness.h"
#include "tests/replay_server/harness.h"

namespace estuary::client {
namespace {

using replay::Address;
using replay::AddRow;
using replay::DiskTable;
using replay::MemoryTable;
using replay::Range;
using replay::ReplayServer;
using replay::Rows;
using replay::StartServer;
using replay::TemporaryFolder;
using replay::TestSchema;
using replay::Values;
using ::testing::HasSubstr;

class ReplayClientTest : public ::testing::TestWithParam<bool> {
 protected:
  v1::TableConfig Table(uint64_t capacity) const {
    return GetParam() ? DiskTable("rows", capacity) : MemoryTable("rows", capacity);
  }
  const TemporaryFolder folder_;
  const std::vector<std::string> shards_ = {Address(folder_.path())};
};

INSTANTIATE_TEST_SUITE_P(Durability, ReplayClientTest, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "Disk" : "Memory"; });

TEST_P(ReplayClientTest, WhatIsWrittenIsFollowedInOrderFromBeforeAndLive) {
  const auto server = StartServer(folder_.path(), {Table(100'000)});
  const auto writer = StartWriter(WriterOptions(shards_, "rows", "w"));
  EXPECT_EQ(writer->WaitUntilConnected(kLong).value(), 0);
  transition::BlockBuilder builder(TestSchema());
  uint32_t next = 0;
  const auto write = [&](uint32_t rows) {
    for (uint32_t i = 0; i < rows; ++i) {
      AddRow(builder, next++);
      if (builder.rows() == 37) {
        ASSERT_TRUE(writer->Append(builder).ok());
      }
    }
    ASSERT_TRUE(writer->Append(builder).ok());
    EXPECT_EQ(builder.rows(), 0);
  };
  write(20'000);
  ASSERT_TRUE(writer->Flush(kLong).ok());
  EXPECT_EQ(StatusOf(*server, "rows").rows(), 20'000);
  const auto follower = StartFollower(shards_, "rows");
  EXPECT_EQ(Take(*follower, 20'000), Range(0, 20'000));
  write(5'000);
  EXPECT_EQ(Take(*follower, 5'000), Range(20'000, 5'000));
  EXPECT_EQ(follower->cursors(), std::vector<uint64_t>{25'000});
  const auto second = StartFollower(shards_, "rows", {24'990});
  EXPECT_EQ(Take(*second, 10), Range(24'990, 10));
  EXPECT_TRUE(absl::IsDeadlineExceeded(second->Next(absl::Milliseconds(20)).status()));
}

TEST_P(ReplayClientTest, AnotherSchemaIsRefusedWithBothPrinted) {
  const auto server = StartServer(folder_.path(), {Table(100)});
  ReplayWriterOptions options = WriterOptions(shards_, "rows", "w");
  options.schema = transition::Schema::Standard("toy", 4, 2, 50'000);
  const auto writer = StartWriter(options);
  const absl::Status status = writer->WaitUntilConnected(kLong).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("observation float32[3]"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("observation float32[4]"));
  transition::BlockBuilder builder(options.schema);
  EXPECT_EQ(writer->Append(builder).code(), absl::StatusCode::kFailedPrecondition);

  auto follower =
      ReplayFollower::Start({.shards = shards_, .table = "rows", .schema = options.schema});
  const absl::Status refused = (*follower)->Next(kLong).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("observation float32[4]"));
}

TEST_P(ReplayClientTest, AnUnknownTableIsRefusedAndTheKnownOnesAreNamed) {
  const auto server = StartServer(folder_.path(), {Table(100)});
  const auto writer = StartWriter(WriterOptions(shards_, "wrong", "w"));
  const absl::Status status = writer->WaitUntilConnected(kLong).status();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("rows"));
}

TEST_P(ReplayClientTest, ANotFiniteRowIsRefusedByNameAndTheRowsBeforeItStay) {
  const auto server = StartServer(folder_.path(), {Table(100)});
  const auto writer = StartWriter(WriterOptions(shards_, "rows", "w"));
  v1::TransitionBlock block = Rows(0, 10);
  const float nan = std::nanf("");
  block.mutable_columns(transition::kReward)
      ->replace(6 * 4, 4, reinterpret_cast<const char*>(&nan), 4);
  ASSERT_TRUE(writer->Append(std::move(block)).ok());
  const absl::Status status = writer->Flush(kLong);
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("row 6 has"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("reward"));
  EXPECT_EQ(StatusOf(*server, "rows").rows(), 6);
  EXPECT_EQ(StatusOf(*server, "rows").rejected(), 4);
  const auto follower = StartFollower(shards_, "rows");
  EXPECT_EQ(Take(*follower, 6), Range(0, 6));
}

TEST_P(ReplayClientTest, ARestartedWriterGoesOnWhereItStopped) {
  const auto server = StartServer(folder_.path(), {Table(1000)});
  for (uint32_t run = 0; run < 3; ++run) {
    const auto writer = StartWriter(WriterOptions(shards_, "rows", "w"));
    EXPECT_EQ(writer->WaitUntilConnected(kLong).value(), 100 * run);
    ASSERT_TRUE(writer->Append(Rows(100 * run, 100)).ok());
    ASSERT_TRUE(writer->Flush(kLong).ok());
    EXPECT_EQ(writer->stats().acknowledged_sequence, 100 * (run + 1));
  }
  const auto follower = StartFollower(shards_, "rows");
  EXPECT_EQ(Take(*follower, 300), Range(0, 300));
}

TEST_P(ReplayClientTest, ARepeatedImportAddsNothing) {
  const auto server = StartServer(folder_.path(), {Table(1000)});
  for (int run = 0; run < 2; ++run) {
    ReplayWriterOptions options = WriterOptions(shards_, "rows", "dataset:abc/0");
    options.first_sequence = 0;
    options.bulk = true;
    const auto writer = StartWriter(options);
    EXPECT_EQ(writer->WaitUntilConnected(kLong).value(), 500 * run);
    for (uint32_t i = 0; i < 5; ++i) ASSERT_TRUE(writer->Append(Rows(100 * i, 100)).ok());
    ASSERT_TRUE(writer->Flush(kLong).ok());
    EXPECT_EQ(StatusOf(*server, "rows").rows(), 500);
    EXPECT_EQ(StatusOf(*server, "rows").inserted_in_bulk(), 500);
  }
}

TEST_P(ReplayClientTest, AServerThatRestartsLosesNothingAndCountsNothingTwice) {
  auto server = StartServer(folder_.path(), {Table(100'000)});
  ReplayWriterOptions options = WriterOptions(shards_, "rows", "w");
  options.buffer_rows = 300;
  const auto writer = StartWriter(options);
  const auto follower = StartFollower(shards_, "rows");
  transition::BlockBuilder builder(TestSchema());
  uint32_t next = 0;
  std::vector<uint32_t> followed;
  for (int restart = 0; restart < 3; ++restart) {
    for (int i = 0; i < 100; ++i) {
      for (int k = 0; k < 20; ++k) AddRow(builder, next++);
      ASSERT_TRUE(writer->Append(builder).ok());
    }
    // In the middle of it all.
    ASSERT_TRUE(server->Stop().ok());
    server.reset();
    server = StartServer(folder_.path(), {Table(100'000)});
  }
  ASSERT_TRUE(writer->Flush(kLong).ok());
  EXPECT_EQ(StatusOf(*server, "rows").rows(), next);
  EXPECT_EQ(Take(*follower, next), Range(0, next));
  EXPECT_EQ(writer->stats().lost, 0);
}

TEST_P(ReplayClientTest, ASecondProcessWithTheSameIdEndsTheFirst) {
  const auto server = StartServer(folder_.path(), {Table(1000)});
  const auto first = StartWriter(WriterOptions(shards_, "rows", "w"));
  ASSERT_TRUE(first->Append(Rows(0, 10)).ok());
  ASSERT_TRUE(first->Flush(kLong).ok());
  const auto second = StartWriter(WriterOptions(shards_, "rows", "w"));
  EXPECT_EQ(second->WaitUntilConnected(kLong).value(), 10);
  ASSERT_TRUE(first->Append(Rows(10, 10)).ok());
  const absl::Status status = first->Flush(kLong);
  EXPECT_TRUE(absl::IsAborted(status)) << status;
  const ReplayWriter::Unacknowledged rest = first->TakeUnacknowledged();
  EXPECT_EQ(rest.first_sequence, 10);
  ASSERT_EQ(rest.blocks.size(), 1);
  EXPECT_EQ(Values(rest.blocks[0]), Range(10, 10));
  EXPECT_EQ(StatusOf(*server, "rows").rows(), 10);
}

TEST(ReplayWriter, WaitsForTheLimiterUntilSamplesAreReported) {
  const TemporaryFolder folder;
  v1::TableConfig config = MemoryTable("rows", 10'000);
  config.mutable_limiter()->set_samples_per_insert(2);
  config.mutable_limiter()->set_min_size(100);
  config.mutable_limiter()->set_error_buffer(20);
  const auto server = StartServer(folder.path(), {config});
  ReplayWriterOptions options = WriterOptions({Address(folder.path())}, "rows", "w");
  options.buffer_rows = 50;
  const auto writer = StartWriter(options);
  transition::BlockBuilder builder(TestSchema());
  uint32_t next = 0;
  const absl::Time deadline = absl::Now() + kLong;
  while (writer->stats().acknowledged_sequence < 110 || writer->stats().buffered_rows < 50) {
    ASSERT_LT(absl::Now(), deadline);
    if (builder.rows() == 0) AddRow(builder, next++);
    ASSERT_TRUE(writer->TryAppend(builder).ok());
  }
  // 100 + 20 / 2 are in; the others wait, and it is said for whom.
  EXPECT_EQ(StatusOf(*server, "rows").rows(), 110);
  if (builder.rows() == 0) AddRow(builder, next++);
  EXPECT_FALSE(writer->TryAppend(builder).value());
  while (StatusOf(*server, "rows").waiting().empty()) ASSERT_LT(absl::Now(), deadline);
  EXPECT_THAT(StatusOf(*server, "rows").waiting(), HasSubstr("1 writers wait for samples"));
  const auto follower = StartFollower({Address(folder.path())}, "rows");
  EXPECT_EQ(Take(*follower, 110), Range(0, 110));
  follower->ReportSamples(40);
  EXPECT_EQ(Take(*follower, 20), Range(110, 20));
  EXPECT_EQ(StatusOf(*server, "rows").rows(), 130);
  EXPECT_EQ(StatusOf(*server, "rows").sampled(), 40);
  EXPECT_GT(StatusOf(*server, "rows").waits().writers_waiting_for_samples(), 0);
}

TEST(ReplayWriter, ReplaceableRowsMoveToAnotherShardAndComeHome) {
  const TemporaryFolder a;
  const TemporaryFolder b;
  const std::vector<std::string> shards = {Address(a.path()), Address(b.path())};
  const int home = RankShards(shards, "w")[0];
  const std::string home_folder = home == 0 ? a.path() : b.path();
  auto home_server = StartServer(home_folder, {MemoryTable("rows", 10'000)});
  const auto other = StartServer(home == 0 ? b.path() : a.path(), {MemoryTable("rows", 10'000)});
  ReplayWriterOptions options = WriterOptions(shards, "rows", "w");
  options.replaceable = true;
  options.move_after = absl::Milliseconds(200);
  options.look_home_every = absl::Milliseconds(100);
  const auto writer = StartWriter(options);
  ASSERT_TRUE(writer->Append(Rows(0, 100)).ok());
  ASSERT_TRUE(writer->Flush(kLong).ok());
  EXPECT_EQ(writer->stats().shard, home);
  home_server.reset();
  ASSERT_TRUE(writer->Append(Rows(100, 100)).ok());
  ASSERT_TRUE(writer->Flush(kLong).ok());
  EXPECT_EQ(writer->stats().shard, 1 - home);
  EXPECT_EQ(writer->stats().next_sequence, 200);
  EXPECT_EQ(StatusOf(*other, "rows").rows(), 100);
  home_server = StartServer(home_folder, {MemoryTable("rows", 10'000)});
  const absl::Time deadline = absl::Now() + kLong;
  uint32_t next = 200;
  while (writer->stats().shard != home) {
    ASSERT_LT(absl::Now(), deadline);
    ASSERT_TRUE(writer->Append(Rows(next, 10)).ok());
    ASSERT_TRUE(writer->Flush(kLong).ok());
    next += 10;
  }
  ASSERT_TRUE(writer->Append(Rows(next, 10)).ok());
  ASSERT_TRUE(writer->Flush(kLong).ok());
  EXPECT_EQ(StatusOf(*home_server, "rows").inserted() + StatusOf(*other, "rows").inserted(),
            next + 10);
  EXPECT_EQ(writer->stats().lost, 0);
}

TEST(ReplayWriter, ReplaceableRowsGoOnWhenTheirShardComesBackOlder) {
  const TemporaryFolder folder;
  auto server = StartServer(folder.path(), {MemoryTable("rows", 10'000)});
  ReplayWriterOptions options = WriterOptions({Address(folder.path())}, "rows", "w");
  options.replaceable = true;
  const auto writer = StartWriter(options);
  ASSERT_TRUE(writer->Append(Rows(0, 100)).ok());
  ASSERT_TRUE(writer->Flush(kLong).ok());
  const auto follower = StartFollower({Address(folder.path())}, "rows");
  EXPECT_EQ(Take(*follower, 100), Range(0, 100));
  // As after kill -9 before any checkpoint.
  server.reset();
  std::filesystem::remove_all(folder / "data/rows");
  server = StartServer(folder.path(), {MemoryTable("rows", 10'000)});
  ASSERT_TRUE(writer->Append(Rows(100, 50)).ok());
  ASSERT_TRUE(writer->Flush(kLong).ok());
  EXPECT_EQ(writer->stats().lost, 100);
  EXPECT_EQ(writer->stats().acknowledged_sequence, 150);
  // No position names two rows: the follower sees the new ones, and none twice.
  const auto block = follower->Next(kLong);
  ASSERT_TRUE(block.ok());
  EXPECT_GE(block->cursor, uint64_t{1} << 40);
  EXPECT_EQ(Values(block->block), Range(100, 50));
}

TEST(ReplayWriter, PreciousRowsThatAreGoneAreAnError) {
  const TemporaryFolder folder;
  auto server = StartServer(folder.path(), {DiskTable("rows", 10'000)});
  const auto writer = StartWriter(WriterOptions({Address(folder.path())}, "rows", "w"));
  ASSERT_TRUE(writer->Append(Rows(0, 100)).ok());
  ASSERT_TRUE(writer->Flush(kLong).ok());
  server.reset();
  std::filesystem::remove_all(folder / "data");
  server = StartServer(folder.path(), {DiskTable("rows", 10'000)});
  ASSERT_TRUE(writer->Append(Rows(100, 50)).ok());
  const absl::Status status = writer->Flush(kLong);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
}

TEST(ReplayWriter, AFullTableThatNeverEvictsRefuses) {
  const TemporaryFolder folder;
  const auto server = StartServer(folder.path(), {DiskTable("rows", 150)});
  const auto writer = StartWriter(WriterOptions({Address(folder.path())}, "rows", "w"));
  ASSERT_TRUE(writer->Append(Rows(0, 100)).ok());
  ASSERT_TRUE(writer->Append(Rows(100, 100)).ok());
  const absl::Status status = writer->Flush(kLong);
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("full with 150 rows"));
  EXPECT_EQ(StatusOf(*server, "rows").rows(), 150);
  EXPECT_EQ(writer->TakeUnacknowledged().first_sequence, 150);
}

TEST(ReplaySampler, DrawsUniformlyFromTheUnionOfUnequalShards) {
  const TemporaryFolder a;
  const TemporaryFolder b;
  const TemporaryFolder c;
  std::vector<std::string> shards;
  std::vector<std::unique_ptr<ReplayServer>> servers;
  const uint32_t sizes[] = {30, 5, 65};
  uint32_t next = 0;
  int index = 0;
  for (const TemporaryFolder* folder : {&a, &b, &c}) {
    servers.push_back(StartServer(folder->path(), {MemoryTable("rows", 1000)}));
    const auto writer = StartWriter(WriterOptions({Address(folder->path())}, "rows", "w"));
    ASSERT_TRUE(writer->Append(Rows(next, sizes[index])).ok());
    ASSERT_TRUE(writer->Flush(kLong).ok());
    next += sizes[index++];
    shards.push_back(Address(folder->path()));
  }
  auto sampler = ReplaySampler::Start(
      {.shards = shards, .table = "rows", .schema = TestSchema(), .batch_size = 256, .seed = 7});
  ASSERT_TRUE(sampler.ok());
  std::map<uint32_t, int> counts;
  SampledBatch batch;
  constexpr int kBatches = 400;
  for (int i = 0; i < kBatches; ++i) {
    ASSERT_TRUE((*sampler)->Next(batch, kLong).ok());
    const std::vector<uint32_t> values = Values(batch.block);
    ASSERT_EQ(values.size(), 256);
    for (size_t k = 0; k < values.size(); ++k) {
      ++counts[values[k]];
      const uint32_t first = batch.shard[k] == 0 ? 0 : batch.shard[k] == 1 ? 30 : 35;
      EXPECT_EQ(batch.cursor[k], values[k] - first);
      EXPECT_EQ(batch.age[k], sizes[batch.shard[k]] - batch.cursor[k]);
    }
  }
  const double expected = kBatches * 256 / 100.0;
  double chi_squared = 0;
  for (uint32_t value = 0; value < 100; ++value) {
    chi_squared += (counts[value] - expected) * (counts[value] - expected) / expected;
  }
  // 99 degrees of freedom: the seed is fixed, 149 has a chance of 1 in 1000.
  EXPECT_LT(chi_squared, 149);
  EXPECT_GT(chi_squared, 60);
}

TEST(ReplaySampler, WaitsForRowsAndLeavesOutAShardThatIsAway) {
  const TemporaryFolder a;
  const TemporaryFolder b;
  const auto server = StartServer(a.path(), {MemoryTable("rows", 1000)});
  auto sampler = ReplaySampler::Start({.shards = {Address(a.path()), Address(b.path())},
                                       .table = "rows",
                                       .schema = TestSchema(),
                                       .batch_size = 8});
  ASSERT_TRUE(sampler.ok());
  SampledBatch batch;
  EXPECT_TRUE(absl::IsDeadlineExceeded((*sampler)->Next(batch, absl::Milliseconds(200))));
  const auto writer = StartWriter(WriterOptions({Address(a.path())}, "rows", "w"));
  ASSERT_TRUE(writer->Append(Rows(0, 10)).ok());
  ASSERT_TRUE((*sampler)->Next(batch, kLong).ok());
  EXPECT_EQ(batch.block.rows(), 8);
}

TEST(ReplayShards, WritersSpreadAndALostShardMovesOnlyItsOwn) {
  const std::vector<std::string> shards = {"unix:/a", "unix:/b", "unix:/c", "unix:/d"};
  const std::vector<std::string> fewer = {"unix:/a", "unix:/b", "unix:/c"};
  std::map<int, int> counts;
  for (int i = 0; i < 4000; ++i) {
    const std::string id = "run/actor-" + std::to_string(i);
    const std::vector<int> order = RankShards(shards, id);
    ++counts[order[0]];
    EXPECT_EQ(RankShards(fewer, id)[0], order[0] != 3 ? order[0] : order[1]);
  }
  for (const auto& [shard, count] : counts) EXPECT_NEAR(count, 1000, 120) << shard;
}

TEST(ReplayShards, DescribesWhoAnswersAndNamesWhoDoesNot) {
  const TemporaryFolder a;
  const TemporaryFolder b;
  const auto server = StartServer(a.path(), {MemoryTable("rows", 1000)});
  const auto answers =
      DescribeShards({Address(a.path()), Address(b.path())}, absl::Milliseconds(500));
  ASSERT_TRUE(answers[0].ok());
  EXPECT_EQ(answers[0]->shard_id(), server->shard().id());
  EXPECT_NE(FindTable(*answers[0], "rows"), nullptr);
  EXPECT_EQ(FindTable(*answers[0], "other"), nullptr);
  EXPECT_FALSE(answers[1].ok());
  EXPECT_THAT(std::string(answers[1].status().message()), HasSubstr(Address(b.path())));
  EXPECT_FALSE(ParseShards("unix:/a,,unix:/b").ok());
  EXPECT_FALSE(ParseShards("unix:/a,unix:/a").ok());
  EXPECT_EQ(ParseShards("unix:/a, unix:/b")->size(), 2);
}

}  // namespace
}  // namespace estuary::client
