// estuary-replay as a process: killed, terminated, started wrongly.
#include <sys/socket.h>

#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "common/client/replay_follower.h"
#include "common/client/replay_shards.h"
#include "common/client/replay_writer.h"
#include "common/process/files.h"
#include "common/process/textproto.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/replay_server/child_process.h"
#include "tests/replay_server/harness.h"

namespace estuary::replay {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kLong = absl::Seconds(30);
// A writer's rows have values from here on.
constexpr uint32_t kWriterSpan = 1'000'000;

class ReplayProcessTest : public ::testing::Test {
 protected:
  void Configure(const std::vector<v1::TableConfig>& tables) {
    v1::TableConfigs configs;
    for (const v1::TableConfig& table : tables) *configs.add_tables() = table;
    ASSERT_TRUE(
        process::WriteFileAtomically(folder_ / "tables", process::ToTextProto(configs)).ok());
  }

  std::vector<std::string> Command() const {
    return {std::string(ESTUARY_BIN_DIR) + "/estuary-replay", "--listen=" + address_,
            "--data_dir=" + (folder_ / "data"), "--table_config=" + (folder_ / "tables"),
            "--checkpoint_seconds=0"};
  }

  void Start() { child_ = std::make_unique<ChildProcess>(Command(), folder_ / "stderr"); }

  // Runs until it ends by itself; gives the last line of stderr.
  std::string FailingStart(const std::vector<std::string>& command, int* exit_code = nullptr) {
    std::filesystem::remove(folder_ / "stderr");
    ChildProcess child(command, folder_ / "stderr");
    const int code = child.Wait(kLong);
    EXPECT_GT(code, 0);
    EXPECT_LT(code, 128);
    if (exit_code != nullptr) *exit_code = code;
    std::string text = process::ReadFile(folder_ / "stderr").value_or("");
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text.substr(text.rfind('\n') + 1);
  }

  std::unique_ptr<client::ReplayWriter> Writer(const std::string& table, const std::string& id,
                                               size_t buffer_rows = 2000) const {
    return *client::ReplayWriter::Start({.shards = {address_},
                                         .table = table,
                                         .writer_id = id,
                                         .schema = TestSchema(),
                                         .buffer_rows = buffer_rows});
  }

  // Everything the table holds.
  std::vector<uint32_t> Stored(const std::string& table) const {
    auto follower = *client::ReplayFollower::Start(
        {.shards = {address_}, .table = table, .schema = TestSchema()});
    std::vector<uint32_t> values;
    while (true) {
      const auto block = follower->Next(kLong);
      if (!block.ok()) {
        ADD_FAILURE() << block.status();
        return values;
      }
      for (const uint32_t value : Values(block->block)) values.push_back(value);
      if (block->caught_up) return values;
    }
  }

  const TemporaryFolder folder_;
  const std::string address_ = Address(folder_.path());
  std::unique_ptr<ChildProcess> child_;
};

TEST_F(ReplayProcessTest, KilledAtAnyMomentItKeepsWhatItAcknowledgedExactlyOnce) {
  Configure({DiskTable("real", 10'000'000)});
  Start();
  constexpr int kWriters = 3;
  std::atomic<bool> stop = false;
  std::vector<std::unique_ptr<client::ReplayWriter>> writers;
  std::vector<uint32_t> appended(kWriters, 0);
  std::vector<std::thread> threads;
  for (int w = 0; w < kWriters; ++w) {
    writers.push_back(Writer("real", "w" + std::to_string(w)));
    threads.emplace_back([&, w] {
      std::mt19937 random(w);
      transition::BlockBuilder builder(TestSchema());
      while (!stop) {
        const uint32_t rows = 1 + random() % 40;
        for (uint32_t i = 0; i < rows; ++i) AddRow(builder, kWriterSpan * w + appended[w]++);
        ASSERT_TRUE(writers[w]->Append(builder).ok());
      }
    });
  }
  std::mt19937 random(7);
  for (int killed = 0; killed < 6; ++killed) {
    // Everybody is there again before it happens again.
    std::vector<uint64_t> acknowledged;
    for (const auto& writer : writers) {
      acknowledged.push_back(writer->stats().acknowledged_sequence);
    }
    for (int w = 0; w < kWriters; ++w) {
      const absl::Time deadline = absl::Now() + kLong;
      while (writers[w]->stats().acknowledged_sequence == acknowledged[w]) {
        ASSERT_LT(absl::Now(), deadline);
        absl::SleepFor(absl::Milliseconds(1));
      }
    }
    absl::SleepFor(absl::Milliseconds(random() % 100));
    child_->Signal(SIGKILL);
    EXPECT_EQ(child_->Wait(kLong), 128 + SIGKILL);
    Start();
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  for (const auto& writer : writers) {
    ASSERT_TRUE(writer->Flush(kLong).ok()) << writer->status();
    EXPECT_GE(writer->stats().connects, 6);
  }
  std::map<uint32_t, uint32_t> next;
  const std::vector<uint32_t> stored = Stored("real");
  for (const uint32_t value : stored) {
    // In the writer's order, none missing, none twice.
    ASSERT_EQ(value % kWriterSpan, next[value / kWriterSpan]++);
  }
  for (int w = 0; w < kWriters; ++w) EXPECT_EQ(next[w], appended[w]);
  child_->Signal(SIGTERM);
  EXPECT_EQ(child_->Wait(kLong), 0);
}

TEST_F(ReplayProcessTest, TerminatedItFinishesWritesItsTablesDownAndExitsWithZero) {
  Configure({MemoryTable("sim", 10'000), DiskTable("real", 10'000)});
  Start();
  for (const std::string table : {"sim", "real"}) {
    const auto writer = Writer(table, "w");
    ASSERT_TRUE(writer->Append(Rows(0, 1000)).ok());
    ASSERT_TRUE(writer->Flush(kLong).ok());
  }
  child_->Signal(SIGTERM);
  EXPECT_EQ(child_->Wait(kLong), 0);
  Start();
  EXPECT_EQ(Stored("sim"), Range(0, 1000));
  EXPECT_EQ(Stored("real"), Range(0, 1000));
  const auto writer = Writer("sim", "w");
  EXPECT_EQ(writer->WaitUntilConnected(kLong).value(), 1000);
}

TEST_F(ReplayProcessTest, AFullDiskIsToldToTheWriterAndTheServerGoesOn) {
  Configure({DiskTable("real", 1'000'000)});
  // Files of more than 200 KiB cannot be had.
  std::vector<std::string> command = {"/bin/bash", "-c", "ulimit -f 200; exec \"$@\"", "replay"};
  for (const std::string& argument : Command()) command.push_back(argument);
  child_ = std::make_unique<ChildProcess>(command, folder_ / "stderr");
  const auto writer = Writer("real", "w", 100);
  transition::BlockBuilder builder(TestSchema());
  absl::Status status;
  for (uint32_t next = 0; status.ok() && next < 100'000;) {
    for (int i = 0; i < 50; ++i) AddRow(builder, next++);
    status = writer->Append(builder);
  }
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("cannot write"));
  const uint64_t acknowledged = writer->stats().acknowledged_sequence;
  EXPECT_GT(acknowledged, 1000);
  EXPECT_EQ(Stored("real"), Range(0, static_cast<uint32_t>(acknowledged)));
  // There is room again after a restart.
  child_->Signal(SIGTERM);
  EXPECT_EQ(child_->Wait(kLong), 0);
  Start();
  const auto again = Writer("real", "w");
  EXPECT_EQ(again->WaitUntilConnected(kLong).value(), acknowledged);
  const auto rest = writer->TakeUnacknowledged();
  EXPECT_EQ(rest.first_sequence, acknowledged);
  for (const v1::TransitionBlock& block : rest.blocks) ASSERT_TRUE(again->Append(block).ok());
  ASSERT_TRUE(again->Flush(kLong).ok());
  const std::vector<uint32_t> stored = Stored("real");
  EXPECT_EQ(stored, Range(0, static_cast<uint32_t>(stored.size())));
  EXPECT_GT(stored.size(), acknowledged);
}

TEST_F(ReplayProcessTest, ASecondServerAtTheSameAddressOrFolderSaysSoInOneLine) {
  Configure({MemoryTable("sim", 10'000)});
  Start();
  ASSERT_TRUE(Writer("sim", "w")->WaitUntilConnected(kLong).ok());
  EXPECT_THAT(FailingStart(Command()), HasSubstr("another replay server uses the data folder"));
  std::vector<std::string> command = Command();
  command[2] = "--data_dir=" + (folder_ / "other");
  EXPECT_THAT(FailingStart(command), HasSubstr("cannot listen at " + address_));
  // The first one is unharmed.
  EXPECT_TRUE(Writer("sim", "w")->WaitUntilConnected(kLong).ok());
}

TEST_F(ReplayProcessTest, BadConfigurationsAreOneLineThatNamesTheThing) {
  int code = 0;
  EXPECT_THAT(FailingStart({Command()[0]}, &code), HasSubstr("--table_config"));
  EXPECT_EQ(code, 2);
  EXPECT_THAT(FailingStart(Command()), HasSubstr(folder_ / "tables"));
  ASSERT_TRUE(process::WriteFileAtomically(folder_ / "tables", "tables {\n nme: 'sim'\n}").ok());
  EXPECT_THAT(FailingStart(Command()), HasSubstr("nme"));
  v1::TableConfig config = MemoryTable("sim", 1000);
  config.mutable_limiter()->set_samples_per_insert(32);
  config.mutable_limiter()->set_error_buffer(10);
  Configure({config});
  EXPECT_THAT(FailingStart(Command(), &code), HasSubstr("32 * 1 - 0 = 32 > 10"));
  EXPECT_EQ(code, 2);
  Configure({MemoryTable("sim", 1'000'000'000'000)});
  EXPECT_THAT(FailingStart(Command()), HasSubstr("TiB"));
  Configure({MemoryTable("sim", 5'000'000'000)});
  EXPECT_THAT(FailingStart(Command()), HasSubstr("--memory_limit"));
  Configure({MemoryTable("sim", 1000)});
  std::vector<std::string> command = Command();
  command.push_back("--no_such_flag=1");
  EXPECT_THAT(FailingStart(command), HasSubstr("no_such_flag"));
  ASSERT_TRUE(process::WriteFileAtomically(folder_ / "data", "a file").ok());
  EXPECT_THAT(FailingStart(Command()), HasSubstr(folder_ / "data"));
}

TEST_F(ReplayProcessTest, DamagedFilesAreNamed) {
  Configure({MemoryTable("sim", 10'000), DiskTable("real", 10'000)});
  Start();
  for (const std::string table : {"sim", "real"}) {
    const auto writer = Writer(table, "w");
    for (uint32_t i = 0; i < 10; ++i) {
      ASSERT_TRUE(writer->Append(Rows(10 * i, 10)).ok());
      ASSERT_TRUE(writer->Flush(kLong).ok());
    }
  }
  child_->Signal(SIGTERM);
  ASSERT_EQ(child_->Wait(kLong), 0);
  const std::string segment = folder_ / "data/real/00000000000000000000.segment";
  const std::string whole = process::ReadFile(segment).value();
  std::string damaged = whole;
  damaged[whole.size() / 2] ^= 1;
  ASSERT_TRUE(process::WriteFileAtomically(segment, damaged).ok());
  EXPECT_THAT(FailingStart(Command()), HasSubstr(segment));
  ASSERT_TRUE(process::WriteFileAtomically(segment, whole).ok());
  const std::string checkpoint = folder_ / "data/sim/000000001.checkpoint";
  ASSERT_TRUE(process::WriteFileAtomically(checkpoint, "rubbish").ok());
  EXPECT_THAT(FailingStart(Command()), HasSubstr("no checkpoint in"));
}

}  // namespace
}  // namespace estuary::replay
