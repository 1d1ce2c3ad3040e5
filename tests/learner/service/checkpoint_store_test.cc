#include "learner/service/checkpoint_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "common/process/files.h"
#include "tests/learner/service/scratch_folder.h"

namespace estuary::learner {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

Checkpoint Make(uint64_t step, const std::string& content = "weights") {
  Checkpoint checkpoint;
  checkpoint.step = step;
  checkpoint.files["engine.bin"] = content;
  checkpoint.files["state.json"] = "{}";
  return checkpoint;
}

// Files of this process can grow no further than this while it lives.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    getrlimit(RLIMIT_FSIZE, &before_);
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int);
};

TEST(CheckpointStore, GivesBackTheNewest) {
  const ScratchFolder scratch;
  CheckpointStore store(scratch / "checkpoints", 2);
  ASSERT_TRUE(store.Write(Make(90, "old")).ok());
  ASSERT_TRUE(store.Write(Make(100, std::string("new\0bytes", 9))).ok());
  const auto read = store.ReadNewest();
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->step, 100u);
  EXPECT_EQ(read->files, Make(100, std::string("new\0bytes", 9)).files);
}

TEST(CheckpointStore, KeepsTheLastFew) {
  const ScratchFolder scratch;
  CheckpointStore store(scratch.path(), 2);
  for (const uint64_t step : {0, 8, 9, 10}) ASSERT_TRUE(store.Write(Make(step)).ok());
  EXPECT_FALSE(fs::exists(store.PathOf(0)));
  EXPECT_FALSE(fs::exists(store.PathOf(8)));
  EXPECT_TRUE(fs::exists(store.PathOf(9)));
  EXPECT_EQ(store.NewestPath(), store.PathOf(10));
}

TEST(CheckpointStore, SaysThatThereIsNone) {
  const ScratchFolder scratch;
  EXPECT_TRUE(absl::IsNotFound(CheckpointStore(scratch / "none", 2).ReadNewest().status()));
}

TEST(CheckpointStore, TakesTheOneBeforeWhereTheNewestIsDamaged) {
  const ScratchFolder scratch;
  CheckpointStore store(scratch.path(), 3);
  ASSERT_TRUE(store.Write(Make(1, "first")).ok());
  ASSERT_TRUE(store.Write(Make(2, "second")).ok());
  ASSERT_TRUE(store.Write(Make(3, "third")).ok());
  std::ofstream(store.PathOf(3) + "/engine.bin") << "thirD";
  fs::resize_file(store.PathOf(2) + "/engine.bin", 3);
  const auto read = store.ReadNewest();
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->step, 1u);
  EXPECT_EQ(read->files.at("engine.bin"), "first");
}

TEST(CheckpointStore, NamesWhatIsWrongWhereNoneIsGood) {
  const ScratchFolder scratch;
  CheckpointStore store(scratch.path(), 3);
  for (const uint64_t step : {1, 2, 3}) ASSERT_TRUE(store.Write(Make(step)).ok());
  std::ofstream(store.PathOf(1) + "/engine.bin") << "WEIGHTS";
  fs::resize_file(store.PathOf(2) + "/manifest.json", 20);
  fs::remove(store.PathOf(3) + "/state.json");
  const absl::Status status = store.ReadNewest().status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("step-1/engine.bin' has SHA-256"));
  EXPECT_THAT(status.message(), HasSubstr("step-2/manifest.json' is damaged"));
  EXPECT_THAT(status.message(), HasSubstr("step-3/state.json"));
}

TEST(CheckpointStore, ACheckpointUnderAnothersNameIsDamaged) {
  const ScratchFolder scratch;
  CheckpointStore store(scratch.path(), 3);
  ASSERT_TRUE(store.Write(Make(1)).ok());
  fs::rename(store.PathOf(1), store.PathOf(7));
  EXPECT_THAT(store.ReadNewest().status().message(), HasSubstr("says step 1, not 7"));
}

TEST(CheckpointStore, AnUnfinishedOneIsNoneAndIsOverwritten) {
  const ScratchFolder scratch;
  CheckpointStore store(scratch.path(), 3);
  ASSERT_TRUE(store.Write(Make(1)).ok());
  fs::create_directory(scratch / ".unfinished-2");
  std::ofstream(scratch / ".unfinished-2/engine.bin") << "half";
  EXPECT_EQ(store.ReadNewest()->step, 1u);
  ASSERT_TRUE(store.Write(Make(2)).ok());
  EXPECT_EQ(store.ReadNewest()->files, Make(2).files);
}

TEST(CheckpointStore, AFullDiskNamesTheFileAndLeavesTheOldOnes) {
  const ScratchFolder scratch;
  CheckpointStore store(scratch.path(), 1);
  ASSERT_TRUE(store.Write(Make(1)).ok());
  {
    const FileSizeLimit limit(1000);
    const absl::Status status = store.Write(Make(2, std::string(100'000, 'x')));
    EXPECT_FALSE(status.ok());
    EXPECT_THAT(status.message(), HasSubstr("engine.bin"));
  }
  EXPECT_EQ(store.ReadNewest()->step, 1u);
  int entries = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(scratch.path())) ++entries;
  EXPECT_EQ(entries, 1) << "something half-written is left";
  EXPECT_TRUE(store.Write(Make(2, std::string(100'000, 'x'))).ok());
}

TEST(CheckpointStore, AGoodOneOfTheSameStepStaysAndADamagedOneIsReplaced) {
  const ScratchFolder scratch;
  CheckpointStore store(scratch.path(), 2);
  ASSERT_TRUE(store.Write(Make(5, "first")).ok());
  ASSERT_TRUE(store.Write(Make(5, "again")).ok());
  EXPECT_EQ(store.ReadNewest()->files.at("engine.bin"), "first");
  std::ofstream(store.PathOf(5) + "/engine.bin") << "torn";
  ASSERT_TRUE(store.Write(Make(5, "again")).ok());
  EXPECT_EQ(store.ReadNewest()->files.at("engine.bin"), "again");
}

TEST(CheckpointStore, DamagedOnesAreSetAsideAndNotLost) {
  const ScratchFolder scratch;
  CheckpointStore store(scratch.path(), 2);
  ASSERT_TRUE(store.Write(Make(1)).ok());
  ASSERT_TRUE(store.Write(Make(9)).ok());
  std::ofstream(store.PathOf(9) + "/engine.bin") << "torn";
  ASSERT_TRUE(store.SetAsideNewerThan(1).ok());
  EXPECT_TRUE(fs::exists(scratch / "damaged-step-9/engine.bin"));
  ASSERT_TRUE(store.Write(Make(2)).ok());
  ASSERT_TRUE(store.Write(Make(3)).ok());
  EXPECT_EQ(store.ReadNewest()->step, 3u);
  EXPECT_TRUE(fs::exists(store.PathOf(2)));
}

TEST(CheckpointStore, SaysWhereItMayNotWrite) {
  const absl::Status status = CheckpointStore("/proc/nothing", 2).Write(Make(1));
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(status.message(), HasSubstr("/proc/nothing"));
}

}  // namespace
}  // namespace estuary::learner
