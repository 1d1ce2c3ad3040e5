#include "cli/drive/drive_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "cli/drive/drive_file.h"
#include "estuary/v1/transition.pb.h"

namespace estuary::cli {
namespace {

using ::testing::HasSubstr;

constexpr uint8_t kPolicy = v1::TRANSITION_SOURCE_POLICY;
constexpr uint8_t kFallback = v1::TRANSITION_SOURCE_FALLBACK;
constexpr double kPeriod = 0.005;

// Rows whose observation counts up, so that each next_observation is the following observation.
Recorded Record(const std::vector<uint8_t>& sources) {
  Recorded recorded;
  recorded.columns.observation_dim = 4;
  recorded.columns.action_dim = 1;
  for (size_t i = 0; i < sources.size(); ++i) {
    for (int j = 0; j < 4; ++j) {
      recorded.columns.observation.push_back(0.01f * static_cast<float>(i));
      recorded.columns.next_observation.push_back(0.01f * static_cast<float>(i + 1));
    }
    recorded.columns.action.push_back(0);
    recorded.columns.reward.push_back(2);
    recorded.columns.terminal.push_back(0);
    recorded.columns.timeout.push_back(0);
    recorded.policy_version.push_back(1);
    recorded.episode.push_back(0);
  }
  recorded.source = sources;
  return recorded;
}

std::vector<uint8_t> Sources(const std::vector<std::pair<int, uint8_t>>& runs) {
  std::vector<uint8_t> sources;
  for (const auto& [count, source] : runs) sources.insert(sources.end(), count, source);
  return sources;
}

RobotReport Whole() { return {.end = "time", .survival_seconds = 30, .episode_return = 100}; }

TEST(RobotReport, ReadsTheEmulatorsLine) {
  const auto report = ParseRobotReport(
      "episode=1 end=left_area survival_s=2.290 return=8837.7 max_abs_x=0.5011 final_x=-0.5011 "
      "mean_lateness_ms=0.31 max_lateness_ms=1.2 split_periods=0 unpowered_periods=0 "
      "missed_periods=0");
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->end, "left_area");
  EXPECT_DOUBLE_EQ(report->survival_seconds, 2.29);
  EXPECT_DOUBLE_EQ(report->final_x, -0.5011);
  EXPECT_FALSE(ParseRobotReport("episode=1 end=time survival_s=x").ok());
  EXPECT_FALSE(ParseRobotReport("").ok());
}

TEST(PolicyRows, BeginWithThePolicyAndBridgeShortTakeOvers) {
  const Recorded recorded =
      Record(Sources({{3, kFallback}, {10, kPolicy}, {4, kFallback}, {6, kPolicy}}));
  EXPECT_EQ(PolicyRows(recorded, 5), (std::pair<size_t, size_t>(3, 23)));
  EXPECT_EQ(PolicyRows(recorded, 4), (std::pair<size_t, size_t>(3, 13)));
  EXPECT_EQ(PolicyRows(Record({}), 5), (std::pair<size_t, size_t>(0, 0)));
  EXPECT_EQ(PolicyRows(Record(Sources({{3, kFallback}})), 5), (std::pair<size_t, size_t>(3, 3)));
}

TEST(DriveData, TakesTheRobotsWordForAWholeDrive) {
  const DriveData drive =
      MakeDriveData(Record(Sources({{50, kPolicy}, {2, kFallback}, {8, kPolicy}})), Whole(),
                    v1::RobotStatus(), 30, kPeriod);
  EXPECT_EQ(drive.end, DriveEnd::kWhole);
  EXPECT_DOUBLE_EQ(drive.seconds, 30);
  EXPECT_DOUBLE_EQ(drive.episode_return, 100);
  EXPECT_EQ(drive.transitions, 60u);
  EXPECT_EQ(drive.fallback_transitions, 2u);
}

TEST(DriveData, EndsWhereTheFallbackStayed) {
  const DriveData drive = MakeDriveData(Record(Sources({{40, kPolicy}, {100, kFallback}})), Whole(),
                                        v1::RobotStatus(), 30, kPeriod);
  EXPECT_EQ(drive.end, DriveEnd::kHandedOver);
  EXPECT_DOUBLE_EQ(drive.seconds, 0.2);
  EXPECT_DOUBLE_EQ(drive.episode_return, 80);
  EXPECT_FLOAT_EQ(static_cast<float>(drive.final_x), 0.4f);
}

TEST(DriveData, BreaksTheCurveWhereNothingWasRecorded) {
  Recorded recorded = Record(Sources({{20, kPolicy}}));
  for (size_t i = 10 * 4; i < 20 * 4; ++i) {
    recorded.columns.observation[i] += 1;
    recorded.columns.next_observation[i] += 1;
  }
  RobotReport report = Whole();
  report.survival_seconds = 0.2;
  const DriveData drive = MakeDriveData(recorded, report, v1::RobotStatus(), 30, kPeriod);
  ASSERT_EQ(drive.track.time.size(), 21u);
  EXPECT_TRUE(std::isnan(drive.track.time[10]));
  // 20 of 40 periods were recorded; the gap takes the others' time.
  EXPECT_NEAR(drive.track.time[11], 0.15, 1e-9);
}

TEST(DriveFile, ReadsBackWhatItWrote) {
  const Recorded recorded = Record(Sources({{12, kPolicy}}));
  v1::RobotStatus status;
  status.set_ticks(77);
  status.set_lateness_p99_us(123);
  DriveData drive = MakeDriveData(recorded, Whole(), status, 30, kPeriod);
  drive.end = DriveEnd::kLeftArea;
  const std::string path = ::testing::TempDir() + "drive_file_test.h5";
  ASSERT_TRUE(WriteDriveFile(path, "wheel_legged_stand", recorded, drive).ok());
  const auto read = ReadDriveFile(path);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->end, DriveEnd::kLeftArea);
  EXPECT_EQ(read->ticks, 77u);
  EXPECT_DOUBLE_EQ(read->lateness_p99_us, 123);
  EXPECT_EQ(read->track.observations, drive.track.observations);
  EXPECT_EQ(read->track.time, drive.track.time);
}

TEST(DriveFile, NamesAFileThatIsNone) {
  EXPECT_THAT(std::string(ReadDriveFile("/no/such/drive.h5").status().message()),
              HasSubstr("/no/such/drive.h5"));
}

}  // namespace
}  // namespace estuary::cli
