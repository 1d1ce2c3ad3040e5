#include "common/process/files.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <string>

namespace estuary::process {
namespace {

using ::testing::HasSubstr;

class FilesTest : public testing::Test {
 protected:
  FilesTest() : folder_(testing::TempDir() + "/files_test_" + std::to_string(getpid())) {
    std::filesystem::create_directories(folder_);
  }
  ~FilesTest() override { std::filesystem::remove_all(folder_); }

  std::string folder_;
};

TEST_F(FilesTest, WritesWhatIsReadBack) {
  const std::string content("a\0b\n", 4);
  ASSERT_TRUE(WriteFileAtomically(folder_ + "/f", content).ok());
  EXPECT_EQ(ReadFile(folder_ + "/f").value(), content);
}

TEST_F(FilesTest, LeavesTheOldFileWhereTheDiskIsFull) {
  ASSERT_TRUE(WriteFileAtomically(folder_ + "/f", "old").ok());
  // A limit on file size fails a write as a full disk does.
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 1000;
  setrlimit(RLIMIT_FSIZE, &small);
  const absl::Status status = WriteFileAtomically(folder_ + "/f", std::string(5000, 'x'));
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_THAT(std::string(status.message()), HasSubstr(folder_ + "/f"));
  EXPECT_EQ(ReadFile(folder_ + "/f").value(), "old");
  int files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder_)) ++files;
  EXPECT_EQ(files, 1) << "a temporary file was left behind";
}

TEST_F(FilesTest, NamesWhatCannotBeOpened) {
  const auto content = ReadFile(folder_ + "/missing");
  EXPECT_EQ(content.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(content.status().message()), HasSubstr(folder_ + "/missing"));
}

TEST(Sha256, IsTheStandardOne) {
  EXPECT_EQ(Sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace estuary::process
