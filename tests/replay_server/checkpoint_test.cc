#include "replay_server/checkpoint.h"

#include <sys/resource.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/process/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/replay_server/harness.h"

namespace estuary::replay {
namespace {

using ::testing::HasSubstr;

class CheckpointTest : public ::testing::Test {
 protected:
  std::unique_ptr<Table> New(const v1::TableConfig& config) const {
    return Table::Create(config).value();
  }

  void Fill(Table& table, uint32_t first, uint32_t rows) const {
    const WriterSession writer = table.OpenWriter("w").value();
    ASSERT_TRUE(table.Append(writer, first, Rows(first, rows), 0, false, nullptr).ok());
  }

  std::vector<uint32_t> Held(const Table& table) const {
    std::vector<uint32_t> values;
    uint64_t cursor = 0;
    while (true) {
      v1::TransitionBlock block;
      const auto read = table.Read(
          cursor, 100,
          [&](const ColumnStore& store, uint64_t slot, const Table::LogRead& what) {
            store.Read(slot, what.rows, block);
          },
          nullptr);
      if (read->rows == 0) return values;
      for (const uint32_t value : Values(block)) values.push_back(value);
      cursor = read->cursor + read->rows;
    }
  }

  const TemporaryFolder data_;
  const std::string folder_ = data_ / "rows";
};

TEST_F(CheckpointTest, BringsBackRowsPositionsWritersAndCounts) {
  const auto table = New(MemoryTable("rows", 100));
  Fill(*table, 0, 130);
  table->CountSamples(12.5);
  const auto info = WriteCheckpoint(*table, folder_, "shard");
  ASSERT_TRUE(info.ok()) << info.status();
  EXPECT_EQ(info->rows, 100);
  const auto back = New(MemoryTable("rows", 100));
  const auto read = ReadCheckpoint(*back, folder_, "shard");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->path, info->path);
  EXPECT_EQ(Held(*back), Range(30, 100));
  EXPECT_EQ(back->Status().first_cursor(), 30);
  EXPECT_EQ(back->Status().next_cursor(), 130);
  EXPECT_EQ(back->Status().inserted(), 130);
  EXPECT_EQ(back->Status().sampled(), 12.5);
  EXPECT_EQ(back->StateOf(back->OpenWriter("w").value(), nullptr).stored, 130);
  back->JumpTo(1000);
  Fill(*back, 130, 5);
  EXPECT_EQ(Held(*back), Range(35, 100));
  EXPECT_EQ(back->Status().next_cursor(), 1005);
  // And again, with the gap.
  ASSERT_TRUE(WriteCheckpoint(*back, folder_, "shard").ok());
  const auto again = New(MemoryTable("rows", 100));
  ASSERT_TRUE(ReadCheckpoint(*again, folder_, "shard").ok());
  EXPECT_EQ(Held(*again), Range(35, 100));
  EXPECT_EQ(again->Status().first_cursor(), 35);
  EXPECT_EQ(again->Status().next_cursor(), 1005);
}

TEST_F(CheckpointTest, NoFolderIsAnEmptyTable) {
  const auto table = New(MemoryTable("rows", 100));
  const auto read = ReadCheckpoint(*table, folder_, "shard");
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->path, "");
}

TEST_F(CheckpointTest, ADamagedOneIsPassedOverForTheOneBefore) {
  const auto table = New(MemoryTable("rows", 1000));
  Fill(*table, 0, 100);
  ASSERT_TRUE(WriteCheckpoint(*table, folder_, "shard").ok());
  Fill(*table, 100, 100);
  const std::string newest = WriteCheckpoint(*table, folder_, "shard")->path;
  const std::string whole = process::ReadFile(newest).value();
  for (size_t at = 0; at < whole.size(); at += 97) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    ASSERT_TRUE(process::WriteFileAtomically(newest, damaged).ok());
    const auto back = New(MemoryTable("rows", 1000));
    const auto read = ReadCheckpoint(*back, folder_, "shard");
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(Held(*back), Range(0, 100)) << at;
    ASSERT_TRUE(process::WriteFileAtomically(newest, whole.substr(0, at)).ok());
    const auto cut = New(MemoryTable("rows", 1000));
    ASSERT_TRUE(ReadCheckpoint(*cut, folder_, "shard").ok());
    EXPECT_EQ(Held(*cut), Range(0, 100)) << at;
  }
}

TEST_F(CheckpointTest, WithNoGoodOneLeftItSaysSo) {
  const auto table = New(MemoryTable("rows", 1000));
  ASSERT_TRUE(process::CreateDirectories(folder_).ok());
  ASSERT_TRUE(process::WriteFileAtomically(folder_ + "/000000001.checkpoint", "rubbish").ok());
  const absl::Status status = ReadCheckpoint(*table, folder_, "shard").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr(folder_));
}

TEST_F(CheckpointTest, KeepsTheNewestTwoAndNoHalfWrittenOne) {
  const auto table = New(MemoryTable("rows", 1000));
  Fill(*table, 0, 100);
  ASSERT_TRUE(process::CreateDirectories(folder_).ok());
  ASSERT_TRUE(process::WriteFileAtomically(folder_ + "/000000009.checkpoint.tmp", "half").ok());
  std::string last;
  for (int i = 0; i < 5; ++i) last = WriteCheckpoint(*table, folder_, "shard")->path;
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    files.push_back(entry.path().filename());
  }
  EXPECT_THAT(files,
              ::testing::UnorderedElementsAre("000000004.checkpoint", "000000005.checkpoint"));
  EXPECT_THAT(last, HasSubstr("000000005"));
}

TEST_F(CheckpointTest, ANewConfigurationHoldsAndTheLimiterCannotBlockOnOldCounts) {
  v1::TableConfig config = MemoryTable("rows", 1000);
  const auto table = New(config);
  Fill(*table, 0, 500);
  ASSERT_TRUE(WriteCheckpoint(*table, folder_, "shard").ok());
  config.set_capacity(200);
  config.mutable_limiter()->set_samples_per_insert(4);
  config.mutable_limiter()->set_min_size(100);
  config.mutable_limiter()->set_error_buffer(40);
  const auto back = New(config);
  ASSERT_TRUE(ReadCheckpoint(*back, folder_, "shard").ok());
  back->FinishRestore();
  EXPECT_EQ(Held(*back), Range(300, 200));
  const WriterSession writer = back->OpenWriter("w").value();
  EXPECT_EQ(back->Append(writer, 500, Rows(500, 100), 0, false, nullptr)->taken, 10);
}

TEST_F(CheckpointTest, PrioritiesAndCountsOfDrawsComeBack) {
  v1::TableConfig config = MemoryTable("rows", 100);
  config.set_selector(v1::SELECTOR_PRIORITIZED);
  config.set_priority_exponent(1);
  config.set_max_times_sampled(3);
  const auto table = New(config);
  const WriterSession writer = table->OpenWriter("w").value();
  std::vector<float> priorities;
  for (uint32_t i = 0; i < 40; ++i) priorities.push_back(static_cast<float>(i % 5));
  ASSERT_TRUE(table->Append(writer, 0, Rows(0, 40), 0, false, nullptr, priorities).ok());
  ASSERT_TRUE(table->UpdatePriorities(std::vector<uint64_t>{7}, std::vector<float>{90}).ok());
  Table::Draw draw{1};
  const auto nothing = [](const ColumnStore&, const Table::Draw&) {};
  std::vector<int> drawn(50, 0);
  const auto sample = [&](Table& from) {
    const uint32_t rows = from.Sample(1, 20, draw, nothing, std::shared_ptr<Listener>());
    for (uint32_t i = 0; i < rows; ++i) ++drawn[draw.drawn.rows[i]];
    return rows;
  };
  ASSERT_EQ(sample(*table), 20);
  ASSERT_TRUE(WriteCheckpoint(*table, folder_, "shard").ok());
  const auto back = New(config);
  ASSERT_TRUE(ReadCheckpoint(*back, folder_, "shard").ok());
  EXPECT_FLOAT_EQ(static_cast<float>(back->Status().weight()),
                  static_cast<float>(table->Status().weight()));
  // New rows get the largest priority ever.
  ASSERT_TRUE(
      back->Append(back->OpenWriter("w").value(), 40, Rows(40, 10), 0, false, nullptr).ok());
  EXPECT_NEAR(back->Status().weight(), table->Status().weight() + 10 * 90, 1e-3);
  while (sample(*back) > 0) {
  }
  // Before and after, each row three times.
  EXPECT_THAT(drawn, ::testing::Each(3));
}

TEST_F(CheckpointTest, AFullDiskLeavesTheCheckpointBeforeAndSaysSo) {
  const auto table = New(MemoryTable("rows", 10'000));
  Fill(*table, 0, 100);
  ASSERT_TRUE(WriteCheckpoint(*table, folder_, "shard").ok());
  Fill(*table, 100, 5000);
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  rlimit tight = before;
  // In the middle of a write: it is cut short, and the next one fails.
  tight.rlim_cur = 100'000;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
  const absl::Status full = WriteCheckpoint(*table, folder_, "shard").status();
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_TRUE(absl::IsResourceExhausted(full)) << full;
  EXPECT_THAT(std::string(full.message()), HasSubstr(folder_));
  const auto back = New(MemoryTable("rows", 10'000));
  ASSERT_TRUE(ReadCheckpoint(*back, folder_, "shard").ok());
  EXPECT_EQ(Held(*back), Range(0, 100));
  // And when there is room again, it is written.
  EXPECT_EQ(WriteCheckpoint(*table, folder_, "shard")->rows, 5100);
}

TEST_F(CheckpointTest, AnotherSchemaIsRefusedWithBothPrinted) {
  const auto table = New(MemoryTable("rows", 1000));
  Fill(*table, 0, 10);
  ASSERT_TRUE(WriteCheckpoint(*table, folder_, "shard").ok());
  v1::TableConfig config = MemoryTable("rows", 1000);
  *config.mutable_schema() = transition::Schema::Standard("toy", 5, 2, 50'000).proto();
  const auto other = New(config);
  const absl::Status status = ReadCheckpoint(*other, folder_, "shard").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("float32[3]"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("float32[5]"));
}

TEST_F(CheckpointTest, IsOfOneMomentWhileInsertsGoOn) {
  const auto table = New(MemoryTable("rows", 20'000));
  std::atomic<bool> stop = false;
  std::thread inserting([&] {
    const WriterSession writer = table->OpenWriter("w").value();
    for (uint32_t next = 0; !stop; next += 50) {
      ASSERT_TRUE(table->Append(writer, next, Rows(next, 50), 0, false, nullptr).ok());
    }
  });
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(WriteCheckpoint(*table, folder_, "shard").ok());
    const auto back = New(MemoryTable("rows", 20'000));
    ASSERT_TRUE(ReadCheckpoint(*back, folder_, "shard").ok());
    const uint64_t stored = back->StateOf(back->OpenWriter("w").value(), nullptr).stored;
    const std::vector<uint32_t> held = Held(*back);
    EXPECT_EQ(held, Range(static_cast<uint32_t>(stored - held.size()),
                          static_cast<uint32_t>(held.size())));
    EXPECT_EQ(back->Status().next_cursor(), stored);
  }
  stop = true;
  inserting.join();
}

}  // namespace
}  // namespace estuary::replay
