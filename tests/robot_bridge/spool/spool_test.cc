#include "robot_bridge/spool/spool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "common/process/crc32c.h"
#include "common/process/files.h"

namespace estuary::bridge {
namespace {

using testing::HasSubstr;
using transition::Schema;

Schema TestSchema() { return Schema::Robot("wheel_legged_move", 3, 1, 5000); }

class SpoolTest : public testing::Test {
 protected:
  SpoolTest() {
    char name[] = "/tmp/estuary-spool-XXXXXX";
    folder_ = mkdtemp(name);
    options_.directory = folder_ + "/spool";
  }
  ~SpoolTest() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<Spool> Open() {
    auto spool = Spool::Open(options_, schema_);
    EXPECT_TRUE(spool.ok()) << spool.status();
    return spool.ok() ? *std::move(spool) : nullptr;
  }
  // A row that says its number and its episode.
  std::string Row(uint64_t number, uint32_t episode) {
    transition::BlockBuilder block(schema_);
    const float values[] = {static_cast<float>(number), 0.5f, -1};
    const float action[] = {0.25f};
    block.Add({.observation = values,
               .action = action,
               .reward = 1,
               .next_observation = values,
               .terminal = false,
               .truncated = false,
               .source = v1::TRANSITION_SOURCE_FALLBACK,
               .policy_version = 0,
               .episode = episode});
    std::string row;
    for (const std::string& column : block.block().columns()) row += column;
    return row;
  }
  absl::Status Append(Spool& spool, uint64_t first, uint64_t count, uint32_t episode = 0) {
    std::string rows;
    for (uint64_t i = 0; i < count; ++i) rows += Row(first + i, episode);
    return spool.Append(rows.data(), count, episode);
  }
  // The numbers of the rows from `position` on.
  std::vector<uint64_t> Numbers(Spool& spool, uint64_t position) {
    transition::BlockBuilder block(schema_);
    const auto count = spool.Read(position, 1'000'000, block);
    EXPECT_TRUE(count.ok()) << count.status();
    std::vector<uint64_t> numbers;
    const auto values = transition::Floats(block.block(), transition::kObservation);
    for (size_t i = 0; i < values.size(); i += 3) numbers.push_back(values[i]);
    return numbers;
  }
  std::string SegmentPath(uint64_t first) {
    return options_.directory + "/" + Segment::FileName(first);
  }
  int SegmentFiles() {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(options_.directory)) {
      count += entry.path().extension() == ".seg";
    }
    return count;
  }
  static std::vector<uint64_t> UpTo(uint64_t count) {
    std::vector<uint64_t> numbers(count);
    for (uint64_t i = 0; i < count; ++i) numbers[i] = i;
    return numbers;
  }

  const Schema schema_ = TestSchema();
  std::string folder_;
  Spool::Options options_;
};

TEST(Crc32c, IsTheKnownOne) {
  EXPECT_EQ(process::Crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(process::Crc32c("6789", process::Crc32c("12345")), 0xe3069283u);
}

TEST_F(SpoolTest, GivesBackWhatWasPutIn) {
  const auto spool = Open();
  ASSERT_TRUE(Append(*spool, 0, 10, 3).ok());
  EXPECT_TRUE(Numbers(*spool, 0).empty()) << "not durable yet, so not to be sent";
  ASSERT_TRUE(spool->Sync().ok());
  EXPECT_EQ(Numbers(*spool, 0), UpTo(10));
  EXPECT_EQ(Numbers(*spool, 7), (std::vector<uint64_t>{7, 8, 9}));
  EXPECT_EQ(spool->next_episode(), 4u);
}

TEST_F(SpoolTest, GoesOnWhereItStopped) {
  {
    const auto spool = Open();
    ASSERT_TRUE(Append(*spool, 0, 5, 7).ok());
    ASSERT_TRUE(spool->SetOrigin(100).ok());
  }
  const auto spool = Open();
  EXPECT_EQ(spool->next(), 5u);
  EXPECT_EQ(spool->synced(), 5u);
  EXPECT_EQ(spool->next_episode(), 8u);
  EXPECT_EQ(spool->origin(), 100u);
  ASSERT_TRUE(Append(*spool, 5, 5, 8).ok());
  ASSERT_TRUE(spool->Sync().ok());
  EXPECT_EQ(Numbers(*spool, 0), UpTo(10));
}

TEST_F(SpoolTest, SurvivesATornTailAtEveryByte) {
  constexpr uint64_t kRows = 4;
  {
    const auto spool = Open();
    ASSERT_TRUE(Append(*spool, 0, kRows).ok());
  }
  const std::string whole = *process::ReadFile(SegmentPath(0));
  const size_t record = schema_.row_bytes() + 4;
  const size_t header = whole.size() - kRows * record;
  for (size_t size = header; size <= whole.size(); ++size) {
    std::ofstream(SegmentPath(0), std::ios::binary) << whole.substr(0, size);
    const uint64_t left = (size - header) / record;
    const auto spool = Open();
    ASSERT_NE(spool, nullptr);
    ASSERT_EQ(spool->next(), left) << "cut at byte " << size;
    ASSERT_EQ(spool->torn_bytes(), (size - header) % record);
    ASSERT_EQ(Numbers(*spool, 0), UpTo(left));
    // What comes next takes the torn row's place and is whole.
    ASSERT_TRUE(Append(*spool, left, 2).ok());
    ASSERT_TRUE(spool->Sync().ok());
    ASSERT_EQ(Numbers(*spool, 0), UpTo(left + 2));
  }
}

TEST_F(SpoolTest, DropsALastRowWithAnyWrongByte) {
  {
    const auto spool = Open();
    ASSERT_TRUE(Append(*spool, 0, 3).ok());
  }
  const std::string whole = *process::ReadFile(SegmentPath(0));
  for (size_t i = whole.size() - schema_.row_bytes() - 4; i < whole.size(); ++i) {
    std::string damaged = whole;
    damaged[i] ^= 0x10;
    std::ofstream(SegmentPath(0), std::ios::binary) << damaged;
    ASSERT_EQ(Open()->next(), 2u) << "wrong byte " << i;
  }
}

TEST_F(SpoolTest, RefusesADamagedHeaderAndSaysWhatToDo) {
  Open();
  const std::string whole = *process::ReadFile(SegmentPath(0));
  for (size_t i = 0; i < whole.size(); i += 3) {
    std::string damaged = whole;
    damaged[i] ^= 0x10;
    std::ofstream(SegmentPath(0), std::ios::binary) << damaged;
    const auto spool = Spool::Open(options_, schema_);
    ASSERT_EQ(spool.status().code(), absl::StatusCode::kDataLoss) << "wrong byte " << i;
    ASSERT_THAT(std::string(spool.status().message()), HasSubstr("--spool_dir"));
  }
}

TEST_F(SpoolTest, RemovesFilesThatAreAcknowledgedAndKeepsTheRest) {
  options_.segment_bytes = 1000;
  const auto spool = Open();
  for (uint64_t i = 0; i < 100; ++i) ASSERT_TRUE(Append(*spool, i, 1).ok());
  ASSERT_TRUE(spool->Sync().ok());
  const int before = SegmentFiles();
  ASSERT_GT(before, 3);
  ASSERT_TRUE(spool->Acknowledge(60).ok());
  EXPECT_LT(SegmentFiles(), before);
  EXPECT_LE(spool->first(), 60u);
  EXPECT_GT(spool->first(), 0u);
  EXPECT_EQ(Numbers(*spool, 60).size(), 40u);
  EXPECT_EQ(spool->acknowledged(), 60u);
  ASSERT_TRUE(spool->Acknowledge(100).ok());
  EXPECT_EQ(SegmentFiles(), 1);
  EXPECT_EQ(spool->next(), 100u);
  transition::BlockBuilder block(schema_);
  EXPECT_EQ(spool->Read(0, 1, block).status().code(), absl::StatusCode::kOutOfRange);
}

TEST_F(SpoolTest, RefusesRowsBeyondItsLimitAndTakesThemAgainWhenThereIsRoom) {
  options_.limit_bytes = 4000;
  const auto spool = Open();
  uint64_t taken = 0;
  while (Append(*spool, taken, 1).ok()) ++taken;
  EXPECT_GT(taken, 30u);
  EXPECT_GT(spool->used(), 0.9);
  EXPECT_LE(spool->bytes(), 4000u);
  const absl::Status full = Append(*spool, taken, 1);
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(full.message()), HasSubstr("of 4000 bytes wait for the replay"));
  ASSERT_TRUE(spool->Sync().ok());
  ASSERT_TRUE(spool->Acknowledge(taken).ok());
  EXPECT_TRUE(Append(*spool, taken, 1).ok());
  ASSERT_TRUE(spool->Sync().ok());
  EXPECT_EQ(Numbers(*spool, taken).size(), 1u);
}

TEST_F(SpoolTest, RefusesAnotherTasksRows) {
  Open();
  const auto spool = Spool::Open(options_, Schema::Robot("wheel_legged_stand", 4, 1, 5000));
  EXPECT_EQ(spool.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(spool.status().message()), HasSubstr("wheel_legged_move"));
  EXPECT_THAT(std::string(spool.status().message()), HasSubstr("wheel_legged_stand"));
}

TEST_F(SpoolTest, IsOneProcessOwn) {
  const auto spool = Open();
  const auto second = Spool::Open(options_, schema_);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kAlreadyExists);
}

TEST_F(SpoolTest, MissesAFileThatSomebodyRemoved) {
  options_.segment_bytes = 500;
  {
    const auto spool = Open();
    for (uint64_t i = 0; i < 40; ++i) ASSERT_TRUE(Append(*spool, i, 1).ok());
  }
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(options_.directory)) {
    if (entry.path().extension() == ".seg") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  ASSERT_GT(paths.size(), 3u);
  std::filesystem::remove(paths[1]);
  EXPECT_EQ(Spool::Open(options_, schema_).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(SpoolTest, KnowsItsEpisodesEvenWithAllRowsGone) {
  options_.segment_bytes = 1;
  {
    const auto spool = Open();
    ASSERT_TRUE(Append(*spool, 0, 1, 41).ok());
    ASSERT_TRUE(Append(*spool, 1, 1, 42).ok());
    ASSERT_TRUE(spool->Sync().ok());
    ASSERT_TRUE(spool->Acknowledge(2).ok());
  }
  EXPECT_EQ(Open()->next_episode(), 43u);
}

TEST_F(SpoolTest, ReadsWhileItIsWritten) {
  options_.segment_bytes = 2000;
  const auto spool = Open();
  constexpr uint64_t kRows = 2000;
  std::thread writer([&] {
    for (uint64_t i = 0; i < kRows; ++i) {
      ASSERT_TRUE(Append(*spool, i, 1).ok());
      if (i % 50 != 49) continue;
      ASSERT_TRUE(spool->Sync().ok());
    }
    ASSERT_TRUE(spool->Sync().ok());
  });
  uint64_t read = 0;
  while (read < kRows) {
    for (const uint64_t number : Numbers(*spool, read)) ASSERT_EQ(number, read++);
    ASSERT_TRUE(spool->Acknowledge(read).ok());
  }
  writer.join();
  EXPECT_LE(SegmentFiles(), 2);
}

}  // namespace
}  // namespace estuary::bridge
