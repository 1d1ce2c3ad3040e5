#include "replay_server/segment_log.h"

#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "common/process/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/replay_server/harness.h"
#include "tests/replay_server/segment_log_fixture.h"

namespace estuary::replay {
namespace {

using ::testing::HasSubstr;

TEST_F(SegmentLogTest, HoldsWhatWasAppendedAcrossSegmentsAndRestarts) {
  segment_bytes_ = 2000;
  uint32_t rows = 0;
  for (int restart = 0; restart < 4; ++restart) {
    ASSERT_TRUE(Open().ok());
    EXPECT_EQ(found_, Range(0, rows));
    EXPECT_EQ(heads_, restart == 0 ? 0 : 1);
    for (int i = 0; i < 20; ++i) {
      ASSERT_TRUE(Append(5, 2).ok());
      rows += 10;
    }
  }
  EXPECT_GT(Segments().size(), 5);
}

TEST_F(SegmentLogTest, CutsOffATornEndAtEveryByteOfTheLastRecord) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(Append(3).ok());
  ASSERT_TRUE(Append(3).ok());
  const std::string path = Segments()[0];
  const size_t before = std::filesystem::file_size(path);
  const std::string mark = Mark();
  ASSERT_TRUE(Append(2).ok());
  log_.reset();
  const std::string whole = process::ReadFile(path).value();
  for (size_t size = before; size < whole.size(); ++size) {
    // Nobody was told of it yet.
    SetMark(mark);
    ASSERT_TRUE(process::WriteFileAtomically(path, whole.substr(0, size)).ok());
    ASSERT_TRUE(Open().ok()) << size;
    EXPECT_EQ(found_, Range(0, 6)) << size;
    // And the log goes on from there.
    ASSERT_TRUE(Append(1).ok());
    ASSERT_TRUE(Open().ok());
    EXPECT_EQ(found_, Range(0, 7)) << size;
  }
}

TEST_F(SegmentLogTest, CutsOffAWriteWhoseMiddleNeverReachedTheDisk) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(Append(3).ok());
  const std::string path = Segments()[0];
  const size_t before = std::filesystem::file_size(path);
  const std::string mark = Mark();
  ASSERT_TRUE(Append(3, /*blocks=*/4).ok());
  log_.reset();
  const std::string whole = process::ReadFile(path).value();
  // A later page was written, an earlier one was not: all of one commit, none of it acknowledged.
  std::string torn = whole;
  for (size_t i = before; i < before + 40; ++i) torn[i] = 0;
  ASSERT_TRUE(process::WriteFileAtomically(path, torn).ok());
  SetMark(mark);
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(found_, Range(0, 3));
  EXPECT_EQ(std::filesystem::file_size(path), before);
}

TEST_F(SegmentLogTest, DamageToWhatWasCommittedIsNamedAndCanBeSalvaged) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(Append(3).ok());
  const std::string path = Segments()[0];
  const size_t second = std::filesystem::file_size(path);
  ASSERT_TRUE(Append(3).ok());
  ASSERT_TRUE(Append(3).ok());
  log_.reset();
  const std::string whole = process::ReadFile(path).value();
  std::string damaged = whole;
  damaged[second + 50] ^= 4;
  ASSERT_TRUE(process::WriteFileAtomically(path, damaged).ok());
  const absl::Status status = Open();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr(path));
  EXPECT_THAT(std::string(status.message()), HasSubstr("at offset " + std::to_string(second)));
  EXPECT_EQ(process::ReadFile(path).value(), damaged);
  salvage_ = true;
  ASSERT_TRUE(Open().ok());
  std::vector<uint32_t> expected = Range(0, 3);
  for (const uint32_t value : Range(6, 3)) expected.push_back(value);
  EXPECT_EQ(found_, expected);
  ASSERT_TRUE(Append(1).ok());
  ASSERT_TRUE(Open().ok());
  expected.push_back(9);
  EXPECT_EQ(found_, expected);
}

TEST_F(SegmentLogTest, SalvagesTheSameRowsEveryTime) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(Append(3, /*blocks=*/3).ok());
  const std::string path = Segments()[0];
  const size_t first_commit = std::filesystem::file_size(path);
  ASSERT_TRUE(Append(3, /*blocks=*/2).ok());
  log_.reset();
  std::string damaged = process::ReadFile(path).value();
  const size_t block = (damaged.size() - first_commit) / 2;
  // The second commit's last block proves that the first commit's second one was on the disk; its
  // own first one looks torn, and it is cut off with it.
  damaged[first_commit - 2 * block + 50] ^= 4;
  damaged[first_commit + 50] ^= 4;
  ASSERT_TRUE(process::WriteFileAtomically(path, damaged).ok());
  SetMark("");
  salvage_ = true;
  std::vector<uint32_t> expected = Range(0, 3);
  for (const uint32_t value : Range(6, 3)) expected.push_back(value);
  for (int start = 0; start < 3; ++start) {
    ASSERT_TRUE(Open().ok());
    EXPECT_EQ(found_, expected) << start;
  }
  // Nor does a start that may give nothing up lose them without a word.
  salvage_ = false;
  EXPECT_EQ(Open().code(), absl::StatusCode::kDataLoss);
}

TEST_F(SegmentLogTest, SalvagesTheSameRowsWhenTheNewestSegmentWasOnlyJustCreated) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(Append(3, /*blocks=*/3).ok());
  log_.reset();
  const std::string path = Segments()[0];
  std::string damaged = process::ReadFile(path).value();
  damaged[damaged.size() / 2] ^= 4;
  ASSERT_TRUE(process::WriteFileAtomically(path, damaged).ok());
  ASSERT_TRUE(
      process::WriteFileAtomically(folder_ / "log/00000000000000000009.segment", "ESTR").ok());
  SetMark("");
  salvage_ = true;
  ASSERT_TRUE(Open().ok());
  const std::vector<uint32_t> first = found_;
  EXPECT_FALSE(first.empty());
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(found_, first);
}

TEST_F(SegmentLogTest, AMissingOrForeignSegmentIsNamed) {
  segment_bytes_ = 500;
  ASSERT_TRUE(Open().ok());
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(Append(5).ok());
  log_.reset();
  const std::string middle = Segments()[1];
  const std::string content = process::ReadFile(middle).value();
  std::filesystem::remove(middle);
  const absl::Status missing = Open();
  EXPECT_EQ(missing.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(missing.message()), HasSubstr("missing segment"));
  ASSERT_TRUE(process::WriteFileAtomically(middle, content).ok());
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(process::WriteFileAtomically(folder_ / "log/notes.segment", "hello").ok());
  EXPECT_THAT(std::string(Open().message()), HasSubstr("notes.segment"));
}

TEST_F(SegmentLogTest, ASegmentThatWasOnlyJustCreatedIsForgotten) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(Append(5).ok());
  log_.reset();
  const std::string path = folder_ / "log/00000000000000000005.segment";
  for (const std::string& content : {std::string(), std::string(17, '\0'), std::string("ESTR")}) {
    ASSERT_TRUE(process::WriteFileAtomically(path, content).ok());
    ASSERT_TRUE(Open().ok());
    EXPECT_EQ(found_, Range(0, 5));
    EXPECT_FALSE(std::filesystem::exists(path));
  }
}

TEST_F(SegmentLogTest, AFullDiskRefusesAndLeavesTheLogAsItWas) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(Append(5).ok());
  const std::string path = Segments()[0];
  const uint64_t size = std::filesystem::file_size(path);
  // The file may not grow by more than 100 bytes: the write is cut short.
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  rlimit tight = before;
  tight.rlim_cur = size + 100;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
  const absl::Status full = Append(50);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_TRUE(absl::IsResourceExhausted(full)) << full;
  EXPECT_THAT(std::string(full.message()), HasSubstr(path));
  EXPECT_EQ(std::filesystem::file_size(path), size);
  ASSERT_TRUE(Append(5).ok());
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(found_, Range(0, 10));
}

TEST_F(SegmentLogTest, SegmentsWhoseRowsAreEvictedAreRemoved) {
  segment_bytes_ = 500;
  ASSERT_TRUE(Open().ok());
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(Append(5).ok());
  const size_t all = Segments().size();
  log_->RemoveBefore(24);
  EXPECT_LT(Segments().size(), all);
  ASSERT_TRUE(Open().ok());
  EXPECT_LE(found_.front(), 24);
  EXPECT_EQ(found_.back(), 49);
  log_->RemoveBefore(1'000'000);
  EXPECT_EQ(Segments().size(), 1);
}

}  // namespace
}  // namespace estuary::replay
