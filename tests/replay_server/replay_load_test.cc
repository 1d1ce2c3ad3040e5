// Many writers, cut connections, consumers that do not read.
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/client/replay_follower.h"
#include "common/client/replay_writer.h"
#include "common/process/channel.h"
#include "estuary/v1/replay.grpc.pb.h"
#include "gtest/gtest.h"
#include "tests/replay_server/cutting_proxy.h"
#include "tests/replay_server/harness.h"

namespace estuary::replay {
namespace {

constexpr absl::Duration kLong = absl::Seconds(30);

TEST(ReplayLoad, ConnectionsCutAtAnyByteLoseNothingAndCountNothingTwice) {
  for (const bool durable : {false, true}) {
    const TemporaryFolder folder;
    const auto server = StartServer(
        folder.path(), {durable ? DiskTable("rows", 1'000'000) : MemoryTable("rows", 1'000'000)});
    CuttingProxy proxy(folder / "proxy", folder / "socket", 3);
    const std::vector<std::string> shards = {"unix:" + (folder / "proxy")};
    const auto writer = *client::ReplayWriter::Start({.shards = shards,
                                                      .table = "rows",
                                                      .writer_id = "w",
                                                      .schema = TestSchema(),
                                                      .buffer_rows = 500});
    const auto follower = *client::ReplayFollower::Start(
        {.shards = shards, .table = "rows", .schema = TestSchema(), .max_rows = 300});
    constexpr uint32_t kRows = 30'000;
    std::thread appending([&] {
      transition::BlockBuilder builder(TestSchema());
      for (uint32_t next = 0; next < kRows;) {
        for (int i = 0; i < 30; ++i) AddRow(builder, next++);
        ASSERT_TRUE(writer->Append(builder).ok());
      }
      ASSERT_TRUE(writer->Flush(kLong).ok());
    });
    std::vector<uint32_t> followed;
    while (followed.size() < kRows) {
      const auto block = follower->Next(kLong);
      ASSERT_TRUE(block.ok()) << block.status();
      for (const uint32_t value : Values(block->block)) followed.push_back(value);
      // A stream needs some bytes to get anywhere; towards the end it may.
      if (followed.size() > kRows * 9 / 10) proxy.cutting = false;
    }
    appending.join();
    EXPECT_EQ(followed, Range(0, kRows));
    EXPECT_GT(proxy.cuts, 5);
    EXPECT_EQ(writer->stats().lost, 0);
    EXPECT_EQ(follower->stats()[0].lost, 0);
  }
}

uint64_t ResidentBytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  uint64_t all = 0;
  uint64_t resident = 0;
  EXPECT_EQ(std::fscanf(file, "%lu %lu", &all, &resident), 2);
  std::fclose(file);
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

constexpr uint64_t kMiB = 1 << 20;

// Raw streams to one server, many to a connection.
template <class Request, class Response>
class Streams {
 public:
  using Stream = grpc::ClientReaderWriter<Request, Response>;
  using Open = std::function<std::unique_ptr<Stream>(v1::Replay::Stub&, grpc::ClientContext*)>;

  Streams(const std::string& address, int streams, int connections, const Open& open) {
    for (int i = 0; i < connections; ++i) {
      channels_.push_back(process::MakeChannel(address));
      EXPECT_TRUE(process::WaitForPeer(*channels_.back(), "replay", address, kLong).ok());
      stubs_.push_back(v1::Replay::NewStub(channels_.back()));
    }
    for (int i = 0; i < streams; ++i) {
      contexts_.push_back(std::make_unique<grpc::ClientContext>());
      streams_.push_back(open(*stubs_[i % connections], contexts_.back().get()));
    }
  }
  ~Streams() {
    for (size_t i = 0; i < streams_.size(); ++i) {
      contexts_[i]->TryCancel();
      streams_[i]->Finish();
    }
  }

  int size() const { return static_cast<int>(streams_.size()); }
  Stream& operator[](int i) { return *streams_[i]; }

 private:
  std::vector<std::shared_ptr<grpc::Channel>> channels_;
  std::vector<std::unique_ptr<v1::Replay::Stub>> stubs_;
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts_;
  std::vector<std::unique_ptr<Stream>> streams_;
};

using AppendStreams = Streams<v1::AppendRequest, v1::AppendResponse>;
using FollowStreams = Streams<v1::FollowRequest, v1::FollowResponse>;
using SampleStreams = Streams<v1::SampleRequest, v1::SampleResponse>;

// Writers "w0" and so on, welcomed.
std::unique_ptr<AppendStreams> OpenWriters(const std::string& address, int writers) {
  auto streams = std::make_unique<AppendStreams>(
      address, writers, /*connections=*/20,
      [](v1::Replay::Stub& stub, grpc::ClientContext* context) { return stub.Append(context); });
  for (int w = 0; w < writers; ++w) {
    v1::AppendRequest hello;
    hello.mutable_hello()->set_table("rows");
    hello.mutable_hello()->set_writer_id("w" + std::to_string(w));
    *hello.mutable_hello()->mutable_schema() = TestSchema().proto();
    EXPECT_TRUE((*streams)[w].Write(hello));
  }
  v1::AppendResponse response;
  for (int w = 0; w < writers; ++w) {
    EXPECT_TRUE((*streams)[w].Read(&response));
    EXPECT_TRUE(response.has_welcome());
  }
  return streams;
}

v1::FollowRequest FollowHello() {
  v1::FollowRequest hello;
  hello.mutable_hello()->set_table("rows");
  *hello.mutable_hello()->mutable_schema() = TestSchema().proto();
  return hello;
}

TEST(ReplayLoad, AThousandWritersAreServedAndAThousandWaitingOnesCostBoundedMemory) {
  const TemporaryFolder folder;
  v1::TableConfig config = DiskTable("rows", 1'000'000);
  constexpr int kWriters = 1000;
  constexpr uint32_t kBlock = 100;
  // The first block of each goes through, then the limiter holds all of them back.
  config.mutable_limiter()->set_min_size(kWriters * 10);
  config.mutable_limiter()->set_samples_per_insert(1);
  config.mutable_limiter()->set_error_buffer(1);
  const auto server = StartServer(folder.path(), {config});
  const auto writers = OpenWriters(Address(folder.path()), kWriters);
  EXPECT_EQ(server->shard().Describe().tables(0).writers(), kWriters);
  v1::AppendRequest append;
  v1::AppendResponse response;
  for (int w = 0; w < kWriters; ++w) {
    *append.mutable_block()->mutable_block() = Rows(w * 1000, 10);
    ASSERT_TRUE((*writers)[w].Write(append));
  }
  for (int w = 0; w < kWriters; ++w) {
    ASSERT_TRUE((*writers)[w].Read(&response));
    ASSERT_EQ(response.ack().next_sequence(), 10);
  }
  const uint64_t before = ResidentBytes();
  append.mutable_block()->set_first_sequence(10);
  for (int w = 0; w < kWriters; ++w) {
    *append.mutable_block()->mutable_block() = Rows(w * 1000 + 10, kBlock);
    ASSERT_TRUE((*writers)[w].Write(append));
  }
  const auto waiting = [&] { return server->shard().Describe().tables(0).waiting(); };
  const absl::Time deadline = absl::Now() + kLong;
  while (waiting().find("1000 writers wait") == std::string::npos) {
    ASSERT_LT(absl::Now(), deadline) << waiting();
    absl::SleepFor(absl::Milliseconds(5));
  }
  // In this process are both ends: a block here and there each, and what the transport buffers.
  EXPECT_LT(ResidentBytes(), before + kWriters * kMiB / 4);
  // A reader is unharmed, and frees them by what it reports.
  const auto follower = *client::ReplayFollower::Start(
      {.shards = {Address(folder.path())}, .table = "rows", .schema = TestSchema()});
  uint64_t rows = 0;
  while (rows < kWriters * (10 + kBlock)) {
    const auto block = follower->Next(kLong);
    ASSERT_TRUE(block.ok()) << block.status();
    rows += block->block.rows();
    follower->ReportSamples(kWriters * kBlock);
  }
  for (int w = 0; w < kWriters; ++w) {
    do {
      ASSERT_TRUE((*writers)[w].Read(&response));
    } while (response.ack().next_sequence() < 10 + kBlock);
  }
  EXPECT_EQ(server->shard().Describe().tables(0).rows(), kWriters * (10 + kBlock));
}

TEST(ReplayLoad, ConsumersThatDoNotReadCostBoundedMemoryAndHarmNobody) {
  const TemporaryFolder folder;
  const std::string address = Address(folder.path());
  const auto server = StartServer(folder.path(), {MemoryTable("rows", 300'000)});
  const auto writer = *client::ReplayWriter::Start(
      {.shards = {address}, .table = "rows", .writer_id = "w", .schema = TestSchema()});
  const auto append = [&](uint32_t first, uint32_t blocks) {
    for (uint32_t i = 0; i < blocks; ++i) {
      ASSERT_TRUE(writer->Append(Rows(first + 1000 * i, 1000)).ok());
    }
    ASSERT_TRUE(writer->Flush(kLong).ok());
  };
  append(0, 300);
  constexpr int kConsumers = 25;
  FollowStreams followers(
      address, kConsumers, kConsumers,
      [](v1::Replay::Stub& stub, grpc::ClientContext* context) { return stub.Follow(context); });
  for (int i = 0; i < kConsumers; ++i) ASSERT_TRUE(followers[i].Write(FollowHello()));
  SampleStreams samplers(
      address, kConsumers, kConsumers,
      [](v1::Replay::Stub& stub, grpc::ClientContext* context) { return stub.Sample(context); });
  for (int i = 0; i < kConsumers; ++i) {
    v1::SampleRequest hello;
    hello.mutable_hello()->set_table("rows");
    *hello.mutable_hello()->mutable_schema() = TestSchema().proto();
    hello.mutable_hello()->set_batch_size(256);
    hello.set_credits(1'000'000);
    ASSERT_TRUE(samplers[i].Write(hello));
  }
  const uint64_t before = ResidentBytes();
  append(300'000, 2'000);
  // Each holds messages of 256 KiB that it fills in turn and what the transport buffers, though
  // 90 MB went by.
  EXPECT_LT(ResidentBytes(), before + 2 * kConsumers * 4 * kMiB);
  // Who reads gets what the ring holds.
  const auto follower = *client::ReplayFollower::Start(
      {.shards = {address}, .table = "rows", .schema = TestSchema()});
  uint64_t rows = 0;
  uint64_t lost = 0;
  bool caught_up = false;
  while (!caught_up) {
    const auto block = follower->Next(kLong);
    ASSERT_TRUE(block.ok()) << block.status();
    rows += block->block.rows();
    lost += block->lost;
    caught_up = block->caught_up;
  }
  EXPECT_EQ(rows, 300'000);
  EXPECT_EQ(lost, 2'000'000);
}

TEST(ReplayLoad, ASlowConsumerGetsEverythingAndHoldsUpNobody) {
  const TemporaryFolder folder;
  const std::string address = Address(folder.path());
  const auto server = StartServer(folder.path(), {DiskTable("rows", 1'000'000)});
  const auto writer = *client::ReplayWriter::Start(
      {.shards = {address}, .table = "rows", .writer_id = "w", .schema = TestSchema()});
  constexpr uint32_t kRows = 300'000;
  FollowStreams slow(address, 1, 1, [](v1::Replay::Stub& stub, grpc::ClientContext* context) {
    return stub.Follow(context);
  });
  ASSERT_TRUE(slow[0].Write(FollowHello()));
  const auto fast = *client::ReplayFollower::Start(
      {.shards = {address}, .table = "rows", .schema = TestSchema()});
  // It reads a block for every tenth of the other's, which has everything long before it.
  std::vector<uint32_t> slowly;
  const auto read_slowly = [&] {
    v1::FollowResponse response;
    ASSERT_TRUE(slow[0].Read(&response));
    for (const uint32_t value : Values(response.block())) slowly.push_back(value);
  };
  std::thread appending([&] {
    for (uint32_t next = 0; next < kRows; next += 1000) {
      ASSERT_TRUE(writer->Append(Rows(next, 1000)).ok());
    }
    ASSERT_TRUE(writer->Flush(kLong).ok());
  });
  uint32_t followed = 0;
  for (int blocks = 0; followed < kRows; ++blocks) {
    const auto block = fast->Next(kLong);
    ASSERT_TRUE(block.ok()) << block.status();
    ASSERT_EQ(Values(block->block), Range(followed, block->block.rows()));
    followed += block->block.rows();
    if (blocks % 10 == 0) read_slowly();
  }
  appending.join();
  EXPECT_LT(slowly.size(), kRows);
  while (slowly.size() < kRows) read_slowly();
  EXPECT_EQ(slowly, Range(0, kRows));
}

}  // namespace
}  // namespace estuary::replay
