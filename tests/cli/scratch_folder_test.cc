#include "cli/cluster/scratch_folder.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace estuary::cli {
namespace {

namespace fs = std::filesystem;

class ScratchFolderTest : public ::testing::Test {
 protected:
  ScratchFolderTest() {
    parent_ = ::testing::TempDir() + "scratch_" +
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(parent_);
    fs::create_directories(parent_);
  }
  size_t Count() {
    size_t count = 0;
    for ([[maybe_unused]] const auto& entry : fs::directory_iterator(parent_)) ++count;
    return count;
  }

  std::string parent_;
};

TEST_F(ScratchFolderTest, GoesWithEverythingInIt) {
  {
    const auto folder = ScratchFolder::Create(parent_);
    ASSERT_TRUE(folder.ok()) << folder.status();
    std::ofstream((*folder)->File("x")) << "1";
    EXPECT_TRUE(fs::exists((*folder)->File("x")));
    EXPECT_EQ((*folder)->Address("replay-0"), "unix:" + (*folder)->path() + "/replay-0.sock");
  }
  EXPECT_EQ(Count(), 0u);
}

TEST_F(ScratchFolderTest, NobodyElseMayLookIn) {
  // Its sockets speak plaintext and ask for no certificate.
  const auto folder = ScratchFolder::Create(parent_);
  ASSERT_TRUE(folder.ok()) << folder.status();
  EXPECT_EQ(fs::status((*folder)->path()).permissions(), fs::perms::owner_all);
}

TEST_F(ScratchFolderTest, OthersAreLeftAloneWhileTheyAreUsed) {
  const auto first = ScratchFolder::Create(parent_);
  const auto second = ScratchFolder::Create(parent_);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_NE((*first)->path(), (*second)->path());
  EXPECT_TRUE(fs::exists((*first)->path()));
}

TEST_F(ScratchFolderTest, RemovesWhatAKilledOwnerLeft) {
  const pid_t owner = fork();
  if (owner == 0) {
    const auto folder = ScratchFolder::Create(parent_);
    _exit(folder.ok() ? (raise(SIGKILL), 0) : 1);
  }
  waitpid(owner, nullptr, 0);
  EXPECT_EQ(Count(), 1u);
  fs::create_directories(parent_ + "/estuary-other");
  const auto folder = ScratchFolder::Create(parent_);
  ASSERT_TRUE(folder.ok());
  // Its own and the one that is none of these.
  EXPECT_EQ(Count(), 2u);
}

TEST_F(ScratchFolderTest, NamesAParentThatIsNotThere) {
  const auto folder = ScratchFolder::Create("/no/such/parent");
  EXPECT_EQ(folder.status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace estuary::cli
