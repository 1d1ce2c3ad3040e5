// Many writers, cut connections, consumers that do not read.
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "common/client/replay_follower.h"
#include "common/client/replay_writer.h"
#include "common/process/channel.h"
#include "estuary/v1/replay.grpc.pb.h"
#include "gtest/gtest.h"
#include "tests/replay_server/harness.h"

namespace estuary::replay {
namespace {

constexpr absl::Duration kLong = absl::Seconds(30);

// Forwards connections, and cuts each after a random number of bytes while `cutting`.
class CuttingProxy {
 public:
  CuttingProxy(const std::string& at, const std::string& to, uint64_t seed)
      : to_(to), random_(seed) {
    listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_un name = Name(at);
    EXPECT_EQ(bind(listener_, reinterpret_cast<const sockaddr*>(&name), sizeof(name)), 0);
    EXPECT_EQ(listen(listener_, 16), 0);
    thread_ = std::thread([this] { Run(); });
  }
  ~CuttingProxy() {
    stop_ = true;
    thread_.join();
    close(listener_);
  }

  std::atomic<bool> cutting = true;
  std::atomic<int> cuts = 0;

 private:
  struct Pair {
    int a = -1;
    int b = -1;
    int64_t left = 0;
  };

  static sockaddr_un Name(const std::string& path) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::strncpy(name.sun_path, path.c_str(), sizeof(name.sun_path) - 1);
    return name;
  }

  // False where the connection ends.
  bool Forward(Pair& pair, int from, int to) {
    char buffer[4096];
    ssize_t n = read(from, buffer, sizeof(buffer));
    if (n <= 0) return false;
    const bool cut = cutting && n >= pair.left;
    if (cut) n = pair.left;
    for (ssize_t sent = 0; sent < n;) {
      const ssize_t m = send(to, buffer + sent, n - sent, MSG_NOSIGNAL);
      if (m <= 0) return false;
      sent += m;
    }
    pair.left -= n;
    if (cut) ++cuts;
    return !cut;
  }

  void Run() {
    std::vector<Pair> pairs;
    while (!stop_) {
      std::vector<pollfd> polled = {{.fd = listener_, .events = POLLIN, .revents = 0}};
      for (const Pair& pair : pairs) {
        polled.push_back({.fd = pair.a, .events = POLLIN, .revents = 0});
        polled.push_back({.fd = pair.b, .events = POLLIN, .revents = 0});
      }
      if (poll(polled.data(), polled.size(), 20) <= 0) continue;
      std::vector<Pair> kept;
      for (size_t i = 0; i < pairs.size(); ++i) {
        Pair& pair = pairs[i];
        bool open = true;
        if (polled[2 * i + 1].revents != 0) open = Forward(pair, pair.a, pair.b);
        if (open && polled[2 * i + 2].revents != 0) open = Forward(pair, pair.b, pair.a);
        if (open) {
          kept.push_back(pair);
        } else {
          close(pair.a);
          close(pair.b);
        }
      }
      pairs = kept;
      if (polled[0].revents == 0) continue;
      Pair pair;
      pair.a = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      pair.b = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
      const sockaddr_un name = Name(to_);
      EXPECT_EQ(connect(pair.b, reinterpret_cast<const sockaddr*>(&name), sizeof(name)), 0);
      pair.left = std::uniform_int_distribution<int64_t>(1, 200'000)(random_);
      pairs.push_back(pair);
    }
    for (const Pair& pair : pairs) {
      close(pair.a);
      close(pair.b);
    }
  }

  const std::string to_;
  std::mt19937_64 random_;
  int listener_ = -1;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

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

TEST(ReplayLoad, AThousandWritersAreServed) {
  const TemporaryFolder folder;
  const auto server = StartServer(folder.path(), {DiskTable("rows", 1'000'000)});
  constexpr int kWriters = 1000;
  const auto channel = process::MakeChannel(Address(folder.path()));
  ASSERT_TRUE(process::WaitForPeer(*channel, "replay", "socket", kLong).ok());
  const auto stub = v1::Replay::NewStub(channel);
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReaderWriter<v1::AppendRequest, v1::AppendResponse>>>
      streams;
  for (int w = 0; w < kWriters; ++w) {
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    streams.push_back(stub->Append(contexts.back().get()));
    v1::AppendRequest hello;
    hello.mutable_hello()->set_table("rows");
    hello.mutable_hello()->set_writer_id("w" + std::to_string(w));
    *hello.mutable_hello()->mutable_schema() = TestSchema().proto();
    ASSERT_TRUE(streams.back()->Write(hello));
  }
  v1::AppendResponse response;
  for (auto& stream : streams) {
    ASSERT_TRUE(stream->Read(&response));
    ASSERT_TRUE(response.has_welcome());
  }
  EXPECT_EQ(server->shard().Describe().tables(0).writers(), kWriters);
  for (int w = 0; w < kWriters; ++w) {
    v1::AppendRequest append;
    *append.mutable_block()->mutable_block() = Rows(w * 1000, 10);
    ASSERT_TRUE(streams[w]->Write(append));
  }
  for (auto& stream : streams) {
    ASSERT_TRUE(stream->Read(&response));
    ASSERT_EQ(response.ack().next_sequence(), 10);
    stream->WritesDone();
    ASSERT_TRUE(stream->Finish().ok());
  }
  EXPECT_EQ(server->shard().Describe().tables(0).rows(), kWriters * 10);
}

uint64_t ResidentBytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  uint64_t all = 0;
  uint64_t resident = 0;
  EXPECT_EQ(std::fscanf(file, "%lu %lu", &all, &resident), 2);
  std::fclose(file);
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

TEST(ReplayLoad, ConsumersThatDoNotReadCostBoundedMemory) {
  const TemporaryFolder folder;
  const auto server = StartServer(folder.path(), {MemoryTable("rows", 300'000)});
  const auto writer = *client::ReplayWriter::Start({.shards = {Address(folder.path())},
                                                    .table = "rows",
                                                    .writer_id = "w",
                                                    .schema = TestSchema()});
  const auto append = [&](uint32_t first, uint32_t blocks) {
    for (uint32_t i = 0; i < blocks; ++i) {
      ASSERT_TRUE(writer->Append(Rows(first + 1000 * i, 1000)).ok());
    }
    ASSERT_TRUE(writer->Flush(kLong).ok());
  };
  append(0, 300);
  constexpr int kConsumers = 50;
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReaderWriter<v1::FollowRequest, v1::FollowResponse>>>
      streams;
  for (int i = 0; i < kConsumers; ++i) {
    channels.push_back(process::MakeChannel(Address(folder.path())));
    ASSERT_TRUE(process::WaitForPeer(*channels.back(), "replay", "socket", kLong).ok());
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    streams.push_back(v1::Replay::NewStub(channels.back())->Follow(contexts.back().get()));
    v1::FollowRequest hello;
    hello.mutable_hello()->set_table("rows");
    *hello.mutable_hello()->mutable_schema() = TestSchema().proto();
    ASSERT_TRUE(streams.back()->Write(hello));
  }
  const uint64_t before = ResidentBytes();
  append(300'000, 2'000);
  // Followers that do not read hold a block and what the transport buffers, though 90 MB went by.
  EXPECT_LT(ResidentBytes(), before + kConsumers * (uint64_t{3} << 20));
  for (int i = 0; i < kConsumers; ++i) {
    contexts[i]->TryCancel();
    streams[i]->Finish();
  }
}

}  // namespace
}  // namespace estuary::replay
