#include "worlds/replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "common/hdf5/file.h"
#include "worlds/world.h"

namespace estuary::worlds {
namespace {

using ::testing::HasSubstr;

std::string Golden(const std::string& task) {
  return ESTUARY_SOURCE_DIR "/tests/worlds/golden/" + task + ".h5";
}

std::string TempPath(const std::string& name) {
  return ::testing::TempDir() + "estuary_replay_" + name + ".h5";
}

double LargestDifference(const std::vector<double>& a, const std::vector<double>& b) {
  EXPECT_EQ(a.size(), b.size());
  double largest = 0;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    largest = std::max(largest, std::abs(a[i] - b[i]));
  }
  return largest;
}

class GymnasiumReplay : public ::testing::TestWithParam<std::string> {};

TEST_P(GymnasiumReplay, AgreesStepForStep) {
  const std::string output = TempPath(GetParam());
  const absl::Status status = ReplayTask(GetParam(), Golden(GetParam()), output);
  ASSERT_TRUE(status.ok()) << status;
  const auto golden = hdf5::File::Open(Golden(GetParam()));
  const auto replayed = hdf5::File::Open(output);
  const auto observation = replayed->Read<double>("/observation", {1001, 17});
  ASSERT_TRUE(observation.ok()) << observation.status();
  EXPECT_LT(LargestDifference(observation->values, golden->Read<double>("/observation")->values),
            1e-9);
  EXPECT_LT(LargestDifference(replayed->Read<double>("/reward", {1000})->values,
                              golden->Read<double>("/reward")->values),
            1e-9);
  EXPECT_EQ(replayed->Read<uint8_t>("/terminal")->values,
            golden->Read<uint8_t>("/terminal")->values);
}

INSTANTIATE_TEST_SUITE_P(Tasks, GymnasiumReplay, ::testing::Values("half_cheetah", "walker2d"),
                         [](const auto& info) { return info.param; });

TEST(ReplayTask, GoesOnAfterATerminal) {
  const auto golden = hdf5::File::Open(Golden("walker2d"));
  const auto terminal = golden->Read<uint8_t>("/terminal");
  const auto first = std::find(terminal->values.begin(), terminal->values.end(), 1);
  ASSERT_NE(first, terminal->values.end());
  EXPECT_LT(first - terminal->values.begin(), 500);
}

TEST(ReplayTask, NamesWhatDoesNotFitTheTask) {
  const std::string output = TempPath("unwritten");
  EXPECT_THAT(std::string(ReplayTask("wheel_legged_stand", Golden("walker2d"), output).message()),
              HasSubstr("walker2d.h5:/action has shape [1000, 6], expected [?, 1]"));
  EXPECT_THAT(std::string(ReplayTask("walker", Golden("walker2d"), output).message()),
              HasSubstr("there is no task 'walker'"));
  EXPECT_EQ(ReplayTask("walker2d", "/nowhere.h5", output).code(), absl::StatusCode::kNotFound);
  const std::string input = TempPath("short_state");
  {
    auto file = hdf5::File::Create(input);
    const std::vector<double> values(18);
    ASSERT_TRUE(file->Write<double>("/qpos", {9}, absl::MakeSpan(values).first(9)).ok());
    ASSERT_TRUE(file->Write<double>("/qvel", {8}, absl::MakeSpan(values).first(8)).ok());
    ASSERT_TRUE(file->Write<double>("/action", {3, 6}, values).ok());
  }
  EXPECT_THAT(std::string(ReplayTask("walker2d", input, output).message()),
              HasSubstr("has 9 positions and 9 velocities, got 9 and 8"));
}

}  // namespace
}  // namespace estuary::worlds
