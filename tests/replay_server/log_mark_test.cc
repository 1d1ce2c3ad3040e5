// What tells a damaged last commit, which somebody was told of, from a write that a crash tore.
#include <filesystem>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "replay_server/record.h"
#include "tests/replay_server/segment_log_fixture.h"

namespace estuary::replay {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class LogMarkTest : public SegmentLogTest {
 protected:
  // Three commits of 3 rows; begins and ends are those of the last.
  void WriteThree() {
    ASSERT_TRUE(Open().ok());
    ASSERT_TRUE(Append(3).ok());
    ASSERT_TRUE(Append(3).ok());
    path_ = Segments()[0];
    begin_ = std::filesystem::file_size(path_);
    before_ = Mark();
    ASSERT_TRUE(Append(3).ok());
    log_.reset();
    whole_ = process::ReadFile(path_).value();
  }

  bool DecodesWhole(const std::string& content) const {
    return DecodeRecord(content, begin_).has_value();
  }

  void Write(const std::string& content) const {
    ASSERT_TRUE(process::WriteFileAtomically(path_, content).ok());
  }

  std::string path_;
  size_t begin_ = 0;
  std::string before_;
  std::string whole_;
};

TEST_F(LogMarkTest, ADamagedLastCommitIsNamedWithTheRowsItTookAndLeftAlone) {
  WriteThree();
  for (size_t at = begin_; at < whole_.size(); at += 13) {
    std::string damaged = whole_;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x20);
    // Padding is nobody's.
    if (DecodesWhole(damaged)) continue;
    Write(damaged);
    const absl::Status status = Open();
    ASSERT_EQ(status.code(), absl::StatusCode::kDataLoss) << "byte " << at << ": " << status;
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr(path_), HasSubstr("at offset " + std::to_string(begin_)),
                      HasSubstr("from position 6 to 9 were acknowledged")));
    EXPECT_EQ(process::ReadFile(path_).value(), damaged);
  }
}

TEST_F(LogMarkTest, AMissingEndIsNamedToo) {
  WriteThree();
  for (size_t size = begin_; size < whole_.size(); ++size) {
    Write(whole_.substr(0, size));
    const absl::Status status = Open();
    ASSERT_EQ(status.code(), absl::StatusCode::kDataLoss) << "cut at " << size << ": " << status;
  }
  Write(whole_.substr(0, begin_));
  EXPECT_THAT(std::string(Open().message()),
              AllOf(HasSubstr("ends at position 6"), HasSubstr("acknowledged up to 9: 3 rows")));
  std::filesystem::remove(path_);
  EXPECT_THAT(std::string(Open().message()), HasSubstr("9 rows are missing at its end"));
}

TEST_F(LogMarkTest, WhatNobodyWasToldOfIsCutOffWhateverIsLeftOfIt) {
  WriteThree();
  for (size_t at = begin_; at < whole_.size(); at += 13) {
    std::string damaged = whole_;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x20);
    if (DecodesWhole(damaged)) continue;
    Write(damaged);
    // The mark that a process killed in the write, or a power cut, left.
    SetMark(before_);
    ASSERT_TRUE(Open().ok());
    EXPECT_EQ(found_, Range(0, 6));
  }
  // And what reached the disk without a word of it stays.
  Write(whole_);
  SetMark(before_);
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(found_, Range(0, 9));
}

TEST_F(LogMarkTest, SalvagingGivesNoPositionOfALostRowToAnother) {
  WriteThree();
  std::string damaged = whole_;
  damaged[begin_ + 50] ^= 1;
  Write(damaged);
  salvage_ = true;
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(found_, Range(0, 6));
  EXPECT_EQ(log_->next_cursor(), 9);
  // As the table does.
  next_ = 9;
  runs_ = {{0, 0}, {6, 9}};
  ASSERT_TRUE(Append(2).ok());
  // From then on it is a log like any other.
  salvage_ = false;
  const absl::Status again = Open();
  ASSERT_TRUE(again.ok()) << again;
  EXPECT_EQ(found_, (std::vector<uint32_t>{0, 1, 2, 3, 4, 5, 9, 10}));
  ASSERT_TRUE(Append(2).ok());
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(found_.size(), 10);
}

TEST_F(LogMarkTest, AnUnreadableMarkAccusesNobody) {
  WriteThree();
  for (const std::string& mark : {std::string(), std::string("rubbish"), before_.substr(0, 20)}) {
    Write(whole_.substr(0, whole_.size() - 20));
    SetMark(mark);
    ASSERT_TRUE(Open().ok()) << mark;
    EXPECT_EQ(found_, Range(0, 6));
  }
}

TEST_F(LogMarkTest, ItIsOfTheSegmentThatItNames) {
  segment_bytes_ = 500;
  ASSERT_TRUE(Open().ok());
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(Append(5).ok());
  ASSERT_TRUE(log_->SealMark().ok());
  log_.reset();
  ASSERT_GT(Segments().size(), 2);
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(found_, Range(0, 30));
  std::filesystem::remove(Segments().back());
  EXPECT_THAT(std::string(Open().message()), HasSubstr("acknowledged up to 30"));
}

}  // namespace
}  // namespace estuary::replay
