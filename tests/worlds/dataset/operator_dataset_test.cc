#include "worlds/dataset/operator_dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <numeric>

#include "common/hdf5/file.h"

namespace estuary::worlds {
namespace {

using ::testing::HasSubstr;

struct Moments {
  double mean = 0;
  double deviation = 0;
};

// Of column `column` of `columns` interleaved ones.
Moments MomentsOf(const std::vector<float>& values, int column = 0, int columns = 1) {
  const double n = static_cast<double>(values.size()) / columns;
  Moments moments;
  for (size_t i = column; i < values.size(); i += columns) moments.mean += values[i] / n;
  for (size_t i = column; i < values.size(); i += columns) {
    moments.deviation += (values[i] - moments.mean) * (values[i] - moments.mean) / n;
  }
  moments.deviation = std::sqrt(moments.deviation);
  return moments;
}

int Count(const std::vector<uint8_t>& flags) {
  return std::accumulate(flags.begin(), flags.end(), 0);
}

DatasetColumns Generate(const std::string& task, uint64_t transitions, uint64_t seed) {
  auto columns = GenerateOperatorDataset(task, transitions, seed);
  EXPECT_TRUE(columns.ok()) << columns.status();
  return *std::move(columns);
}

// The recorded statistics of one seed; others scatter around them by about as much as allowed here.
TEST(OperatorDataset, StandsAsItWasRecorded) {
  const DatasetColumns data = Generate("wheel_legged_stand", 100000, 1);
  ASSERT_EQ(data.size(), 100000u);
  const int episodes = Count(data.terminal) + Count(data.timeout);
  EXPECT_NEAR(episodes, 55, 6);
  EXPECT_NEAR(Count(data.terminal), 10, 8);
  EXPECT_NEAR(MomentsOf(data.reward).mean, 22.3, 1);
  EXPECT_NEAR(MomentsOf(data.observation, 0, 4).mean, -.106, .005);
  EXPECT_NEAR(MomentsOf(data.observation, 0, 4).deviation, .066, .006);
  EXPECT_NEAR(MomentsOf(data.observation, 1, 4).mean, -.01, .02);
  EXPECT_NEAR(MomentsOf(data.observation, 1, 4).deviation, .62, .06);
  EXPECT_NEAR(MomentsOf(data.observation, 2, 4).mean, .011, .04);
  EXPECT_NEAR(MomentsOf(data.observation, 2, 4).deviation, .164, .03);
  EXPECT_NEAR(MomentsOf(data.observation, 3, 4).mean, .006, .02);
  EXPECT_NEAR(MomentsOf(data.observation, 3, 4).deviation, .286, .03);
  EXPECT_NEAR(MomentsOf(data.action).mean, .001, .01);
  EXPECT_NEAR(MomentsOf(data.action).deviation, .361, .03);
}

TEST(OperatorDataset, MovesAsItWasRecorded) {
  const DatasetColumns data = Generate("wheel_legged_move", 100000, 1);
  const int episodes = Count(data.terminal) + Count(data.timeout);
  EXPECT_NEAR(episodes, 60, 8);
  EXPECT_NEAR(Count(data.terminal), 17, 10);
  EXPECT_NEAR(MomentsOf(data.reward).mean, 7.3, .7);
  EXPECT_NEAR(MomentsOf(data.observation, 0, 3).mean, -.100, .005);
  EXPECT_NEAR(MomentsOf(data.observation, 0, 3).deviation, .073, .008);
  EXPECT_NEAR(MomentsOf(data.observation, 1, 3).deviation, .68, .07);
  EXPECT_NEAR(MomentsOf(data.observation, 2, 3).mean, .415, .03);
  EXPECT_NEAR(MomentsOf(data.observation, 2, 3).deviation, .333, .04);
  EXPECT_NEAR(MomentsOf(data.action).mean, .040, .01);
  EXPECT_NEAR(MomentsOf(data.action).deviation, .379, .03);
}

TEST(OperatorDataset, ChainsTransitionsWithinEpisodesOnly) {
  const DatasetColumns data = Generate("wheel_legged_stand", 6000, 2);
  for (size_t i = 0; i + 1 < data.size(); ++i) {
    const bool ends = data.terminal[i] || data.timeout[i];
    EXPECT_FALSE(data.terminal[i] && data.timeout[i]);
    const bool chained =
        std::equal(&data.next_observation[4 * i], &data.next_observation[4 * i + 4],
                   &data.observation[4 * i + 4]);
    EXPECT_EQ(chained, !ends) << "row " << i;
    EXPECT_EQ(data.terminal[i] != 0, std::abs(data.next_observation[4 * i]) > .35f) << "row " << i;
  }
  EXPECT_TRUE(data.timeout.back() || data.terminal.back());
}

TEST(OperatorDataset, IsTheSameForASeedAndAnotherForAnother) {
  const DatasetColumns first = Generate("wheel_legged_move", 3000, 7);
  const DatasetColumns again = Generate("wheel_legged_move", 3000, 7);
  const DatasetColumns other = Generate("wheel_legged_move", 3000, 8);
  EXPECT_EQ(first.observation, again.observation);
  EXPECT_EQ(first.action, again.action);
  EXPECT_EQ(first.reward, again.reward);
  EXPECT_NE(first.action, other.action);
}

TEST(OperatorDataset, NamesTheTasksThereAre) {
  const absl::Status status = GenerateOperatorDataset("stand", 10, 1).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("wheel_legged_move, wheel_legged_stand"));
}

TEST(OperatorDataset, SaysWhereNobodyDrivesOrTheSizeMakesNoSense) {
  EXPECT_EQ(GenerateOperatorDataset("walker2d", 10, 1).status().message(),
            "task walker2d has no operator who would record data");
  for (const uint64_t transitions : {uint64_t{0}, ~uint64_t{0}}) {
    EXPECT_EQ(GenerateOperatorDataset("wheel_legged_stand", transitions, 1).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
}

TEST(D4rlFile, ReadsBackWhatItWrote) {
  const std::string path = ::testing::TempDir() + "estuary_d4rl.h5";
  const DatasetColumns data = Generate("wheel_legged_move", 2500, 3);
  ASSERT_TRUE(WriteD4rl(path, data, {"wheel_legged_move", 3, "operator"}).ok());
  const auto read = ReadD4rl(path);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->observation_dim, 3);
  EXPECT_EQ(read->action_dim, 1);
  EXPECT_EQ(read->observation, data.observation);
  EXPECT_EQ(read->action, data.action);
  EXPECT_EQ(read->reward, data.reward);
  EXPECT_EQ(read->next_observation, data.next_observation);
  EXPECT_EQ(read->terminal, data.terminal);
  EXPECT_EQ(read->timeout, data.timeout);
  const auto file = hdf5::File::Open(path);
  EXPECT_EQ(*file->StringAttribute("/", "task"), "wheel_legged_move");
  EXPECT_EQ(*file->Attribute<uint64_t>("/", "seed"), 3u);
  EXPECT_EQ(*file->StringAttribute("/", "generator"), "operator");
}

TEST(D4rlFile, LeavesNothingBehindWhenItCannotWrite) {
  const DatasetColumns data = Generate("wheel_legged_move", 10, 3);
  const std::string folder = ::testing::TempDir() + "estuary_d4rl_folder";
  std::filesystem::create_directories(folder + "/inside");
  EXPECT_FALSE(WriteD4rl(folder, data, {"wheel_legged_move", 3, "operator"}).ok());
  EXPECT_FALSE(std::filesystem::exists(folder + ".partial"));
}

TEST(D4rlFile, NamesColumnsThatDoNotFit) {
  const std::string path = ::testing::TempDir() + "estuary_d4rl_bad.h5";
  DatasetColumns data = Generate("wheel_legged_move", 10, 3);
  data.reward.pop_back();
  EXPECT_THAT(std::string(WriteD4rl(path, data, {"t", 3, "operator"}).message()),
              HasSubstr("/observations of shape [9, 3] cannot hold 30 values"));
  {
    auto file = hdf5::File::Create(path);
    ASSERT_TRUE(file->Write<float>("/observations", {10, 3}, data.observation).ok());
    ASSERT_TRUE(file->Write<float>("/actions", {10, 1}, data.action).ok());
    ASSERT_TRUE(file->Write<float>("/rewards", {9}, data.reward).ok());
  }
  EXPECT_THAT(std::string(ReadD4rl(path).status().message()),
              HasSubstr("/rewards has shape [9], expected [10]"));
}

}  // namespace
}  // namespace estuary::worlds
