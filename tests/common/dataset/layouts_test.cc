// What is written in one layout reads back the same, whatever the layout.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/dataset/dataset.h"
#include "common/dataset/summary.h"
#include "common/dataset/writer.h"
#include "common/hdf5/file.h"

namespace estuary::dataset {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int kObs = 2;
constexpr int kAct = 1;
const Origin kOrigin = {
    .task = "toy", .generator = "test", .observation_dim = kObs, .action_dim = kAct};

// `rows` rows of episodes of the given lengths; every other one ends in a terminal.
Batch Episodes(const std::vector<size_t>& lengths) {
  size_t rows = 0;
  for (const size_t length : lengths) rows += length;
  Batch batch;
  batch.Resize(0, rows, kObs, kAct);
  size_t i = 0;
  for (size_t e = 0; e < lengths.size(); ++e) {
    for (size_t step = 0; step < lengths[e]; ++step, ++i) {
      const auto v = static_cast<float>(1000 * e + step);
      batch.observations[kObs * i] = v;
      batch.observations[kObs * i + 1] = -v;
      batch.next_observations[kObs * i] = v + 1;
      batch.next_observations[kObs * i + 1] = -v - 1;
      batch.actions[i] = 0.25F;
      batch.rewards[i] = v / 2;
    }
    (e % 2 == 0 ? batch.terminals : batch.timeouts)[i - 1] = 1;
  }
  return batch;
}

void ExpectSame(const Batch& a, const Batch& b) {
  EXPECT_EQ(a.observations, b.observations);
  EXPECT_EQ(a.actions, b.actions);
  EXPECT_EQ(a.rewards, b.rewards);
  EXPECT_EQ(a.next_observations, b.next_observations);
  EXPECT_EQ(a.terminals, b.terminals);
  EXPECT_EQ(a.timeouts, b.timeouts);
}

class Layouts : public ::testing::Test {
 protected:
  Layouts() {
    folder_ = ::testing::TempDir() + "layouts_" +
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    minari_ = folder_ + "/toy-v0";
  }

  void WriteMinari(const Batch& batch) {
    auto writer = CreateMinari(minari_, "toy-v0", kOrigin);
    ASSERT_TRUE(writer.ok()) << writer.status();
    ASSERT_TRUE((*writer)->Append(batch).ok());
    const absl::Status finished = (*writer)->Finish();
    ASSERT_TRUE(finished.ok()) << finished;
  }

  std::string folder_;
  std::string minari_;
};

TEST_F(Layouts, ReadsBackWhatD4rlsWriterWrote) {
  const Batch batch = Episodes({3, 1, 5});
  auto writer = CreateD4rl(folder_ + "/x.h5", kOrigin);
  ASSERT_TRUE(writer.ok()) << writer.status();
  ASSERT_TRUE((*writer)->Append(batch).ok());
  ASSERT_TRUE((*writer)->Append(batch).ok());
  EXPECT_FALSE(fs::exists(folder_ + "/x.h5"));
  ASSERT_TRUE((*writer)->Finish().ok());
  auto reader = Reader::Open(folder_ + "/x.h5");
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ(reader->info().layout, "D4RL");
  ASSERT_EQ(reader->info().rows, 18u);
  Batch read;
  ASSERT_TRUE(reader->Read(9, 9, read).ok());
  ExpectSame(read, batch);
}

TEST_F(Layouts, ReadsBackWhatMinarisWriterWrote) {
  const Batch batch = Episodes({3, 1, 5});
  WriteMinari(batch);
  auto reader = Reader::Open(minari_);
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ(reader->info().layout, "Minari");
  ASSERT_EQ(reader->info().rows, 9u);
  Batch read;
  ASSERT_TRUE(reader->Read(0, 9, read).ok());
  ExpectSame(read, batch);
  ASSERT_TRUE(reader->Read(2, 3, read).ok());
  EXPECT_THAT(read.rewards, ElementsAre(1, 500, 1000));
  EXPECT_EQ(reader->Where(5), "row 5 (episode_2, step 1)");
}

TEST_F(Layouts, SaysInMinarisMetadataWhatTheFileHolds) {
  WriteMinari(Episodes({3, 1, 5}));
  std::ifstream file(minari_ + "/data/metadata.json");
  const nlohmann::json metadata = nlohmann::json::parse(file);
  EXPECT_EQ(metadata["total_episodes"], 3);
  EXPECT_EQ(metadata["total_steps"], 9);
  EXPECT_EQ(metadata["dataset_id"], "toy-v0");
  EXPECT_EQ(metadata["data_format"], "hdf5");
  EXPECT_THAT(metadata["action_space"].get<std::string>(), HasSubstr("\"low\": [-1.0]"));
  const auto hdf5 = hdf5::File::Open(minari_ + "/data/main_data.hdf5");
  ASSERT_TRUE(hdf5.ok());
  EXPECT_EQ(*hdf5->Attribute<uint64_t>("episode_2", "total_steps"), 5u);
  EXPECT_EQ(*hdf5->Attribute<uint64_t>("episode_2", "id"), 2u);
  EXPECT_TRUE(hdf5->ExpectShape("episode_2/observations", {6, 2}).ok());
}

TEST_F(Layouts, BeginsAnEpisodeWhereARowDoesNotFollowTheOneBefore) {
  Batch batch = Episodes({6});
  batch.observations[kObs * 4] = 77;
  WriteMinari(batch);
  auto reader = Reader::Open(minari_);
  ASSERT_TRUE(reader.ok());
  Batch read;
  ASSERT_TRUE(reader->Read(0, 6, read).ok());
  EXPECT_THAT(read.timeouts, ElementsAre(0, 0, 0, 1, 0, 0));
  EXPECT_THAT(read.terminals, ElementsAre(0, 0, 0, 0, 0, 1));
  EXPECT_EQ(read.next_observations, batch.next_observations);
}

TEST_F(Layouts, WritesAnEpisodeThatIsTooLongForMemoryInPieces) {
  // 8 MiB of observations are held at most.
  const size_t long_one = 1'200'000;
  const Batch batch = Episodes({2, long_one, 3});
  WriteMinari(batch);
  auto reader = Reader::Open(minari_);
  ASSERT_TRUE(reader.ok()) << reader.status();
  Batch read;
  ASSERT_TRUE(reader->Read(0, long_one + 5, read).ok());
  ExpectSame(read, batch);
}

TEST_F(Layouts, LeavesNothingOfWhatWasNotFinished) {
  {
    auto d4rl = CreateD4rl(folder_ + "/x.h5", kOrigin);
    auto minari = CreateMinari(minari_, "toy-v0", kOrigin);
    ASSERT_TRUE((*d4rl)->Append(Episodes({4})).ok());
    ASSERT_TRUE((*minari)->Append(Episodes({4})).ok());
  }
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(Layouts, NamesTheEpisodeWhoseArraysDoNotFit) {
  WriteMinari(Episodes({3, 4}));
  {
    auto file = hdf5::File::OpenForWriting(minari_ + "/data/main_data.hdf5");
    ASSERT_TRUE(file.ok());
    const std::vector<float> values(12, 0.5F);
    ASSERT_TRUE(file->Write<float>("episode_2/observations", {4, 3}, values).ok());
    ASSERT_TRUE(file->Write<float>("episode_2/actions", {3, 1}, {values.data(), 3}).ok());
    ASSERT_TRUE(file->Close().ok());
  }
  const auto reader = Reader::Open(minari_);
  ASSERT_FALSE(reader.ok());
  EXPECT_THAT(std::string(reader.status().message()), HasSubstr("episode_2/observations"));
  EXPECT_THAT(std::string(reader.status().message()), HasSubstr("[4, 3]"));
}

TEST_F(Layouts, SaysThatObservationsInPartsAreNotRead) {
  auto file = hdf5::File::Create(folder_ + "/dict.h5");
  const std::vector<float> values(4, 0.5F);
  ASSERT_TRUE(file->Write<float>("episode_0/observations/position", {2, 2}, values).ok());
  ASSERT_TRUE(file->Close().ok());
  const auto reader = Reader::Open(folder_ + "/dict.h5");
  ASSERT_FALSE(reader.ok());
  EXPECT_THAT(std::string(reader.status().message()), HasSubstr("Dict"));
}

TEST_F(Layouts, CountsWhereRowsDoNotFollowOneAnother) {
  Batch batch = Episodes({6, 4});
  batch.observations[kObs * 3] = 77;
  auto writer = CreateD4rl(folder_ + "/x.h5", kOrigin);
  ASSERT_TRUE((*writer)->Append(batch).ok());
  ASSERT_TRUE((*writer)->Finish().ok());
  auto reader = Reader::Open(folder_ + "/x.h5");
  const auto summary = Summarize(*reader, 2);
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(summary->jumps, 1u);
}

// Flips bytes all over a file: libhdf5 crashes on some of what comes out, nothing here does.
TEST_F(Layouts, SurvivesWhateverAFileDoesToTheLibrary) {
  const std::string path = folder_ + "/x.h5";
  auto writer = CreateD4rl(path, kOrigin);
  ASSERT_TRUE((*writer)->Append(Episodes({3, 4})).ok());
  ASSERT_TRUE((*writer)->Finish().ok());
  std::ifstream file(path, std::ios::binary);
  const std::string good((std::istreambuf_iterator<char>(file)), {});
  int refused = 0;
  for (size_t at = 0; at < 2000; at += 5) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0xff);
    std::ofstream(path, std::ios::binary) << bad;
    const auto reader = Reader::Open(path);
    if (!reader.ok() || !CheckRows(*reader, reader->info().rows).ok()) ++refused;
  }
  EXPECT_GT(refused, 0);
}

TEST_F(Layouts, SaysThatTheReadingProcessDied) {
  const std::string path = folder_ + "/x.h5";
  auto writer = CreateD4rl(path, kOrigin);
  ASSERT_TRUE((*writer)->Append(Episodes({3, 4})).ok());
  ASSERT_TRUE((*writer)->Finish().ok());
  const auto reader = Reader::Open(path);
  ASSERT_TRUE(reader.ok()) << reader.status();
  // The reader's process is this one's only child.
  std::ifstream children("/proc/self/task/" + std::to_string(getpid()) + "/children");
  pid_t child = 0;
  ASSERT_TRUE(children >> child);
  ASSERT_EQ(kill(child, SIGSEGV), 0);
  Batch batch;
  const absl::Status status = reader->Read(0, 7, batch);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("crashed the HDF5 library"));
  EXPECT_EQ(reader->Read(0, 7, batch).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(reader->Where(3), "row 3");
}

TEST(MinariId, MustBeAsThePackageWantsIt) {
  EXPECT_TRUE(CheckMinariId("toy-v0").ok());
  EXPECT_TRUE(CheckMinariId("estuary/wheel_legged-stand-v12").ok());
  for (const char* bad : {"toy", "-v1", "toy-v", "toy-vx", "to y-v0", "toy-v0.h5", ""}) {
    EXPECT_FALSE(CheckMinariId(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace estuary::dataset
