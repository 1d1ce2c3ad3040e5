#include "cli/gap/gap_figures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "common/hdf5/file.h"

namespace estuary::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr size_t kSimulated = 2000;
constexpr size_t kRecorded = 500;
constexpr size_t kAll = kSimulated + kRecorded;
constexpr int kSpeed = 8;

// Two checkpoints; at the second, u is the speed of each simulated transition.
GapData Data() {
  GapData data;
  data.observation_dim = 17;
  data.simulated = kSimulated;
  data.observations.assign(kAll * 17, 0);
  GapStage first{.gradient_steps = 0};
  first.u.assign(kAll, 0.5f);
  first.log_ratio.assign(kAll, 0);
  first.q = first.u;
  GapStage last = first;
  last.gradient_steps = 1000;
  for (size_t i = 0; i < kSimulated; ++i) {
    const float speed = 5 * static_cast<float>(i) / kSimulated;
    data.observations[i * 17 + kSpeed] = speed;
    last.u[i] = speed;
    last.log_ratio[i] = -3;
  }
  data.stages = {first, last};
  return data;
}

worlds::TaskSpec Cheetah() { return *worlds::FindTask("half_cheetah"); }

const Figure& Find(const std::vector<GapFigure>& figures, const std::string& name) {
  for (const GapFigure& figure : figures) {
    if (figure.name == name) return figure.figure;
  }
  static const Figure none;
  return none;
}

TEST(GapFigures, ShowUGrowWithTheSpeedAtTheLastCheckpoint) {
  const auto figures = GapFigures(Data(), Cheetah());
  ASSERT_THAT(figures, SizeIs(3));
  const Figure& gap = Find(figures, "gap");
  ASSERT_THAT(gap.series, SizeIs(2));
  EXPECT_EQ(gap.series[1].title, "after 1,000 steps");
  EXPECT_TRUE(gap.series[0].band.empty());
  const Series& last = gap.series[1];
  ASSERT_GT(last.points.size(), 10u);
  ASSERT_EQ(last.band.size(), last.points.size());
  for (size_t i = 0; i < last.points.size(); ++i) {
    EXPECT_NEAR(last.points[i].second, last.points[i].first, 0.05);
    EXPECT_LT(last.band[i][1], last.points[i].second);
    EXPECT_GT(last.band[i][2], last.points[i].second);
  }
}

TEST(GapFigures, TellSimulatedFromRecordedLogRatios) {
  const auto figures = GapFigures(Data(), Cheetah());
  const Figure& figure = Find(figures, "log_ratio");
  ASSERT_THAT(figure.series, SizeIs(2));
  const auto peak = [](const Series& series) {
    std::pair<double, double> best = {0, -1};
    for (const auto& point : series.points) {
      if (point.second > best.second) best = point;
    }
    return best;
  };
  EXPECT_THAT(figure.series[0].title, HasSubstr("simulated"));
  EXPECT_NEAR(peak(figure.series[0]).first, -3, 0.2);
  EXPECT_NEAR(peak(figure.series[0]).second, 100, 1e-9);
  EXPECT_NEAR(peak(figure.series[1]).first, 0, 0.2);
}

TEST(GapFigures, LeaveOutWhatTheAlgorithmOrTheTaskLacks) {
  GapData darc = Data();
  for (GapStage& stage : darc.stages) stage.u.clear();
  EXPECT_TRUE(Find(GapFigures(darc, Cheetah()), "gap").series.empty());
  worlds::TaskSpec still = Cheetah();
  still.observation_names.assign(17, "angle (rad)");
  EXPECT_THAT(GapFigures(Data(), still), SizeIs(1));
  EXPECT_THAT(GapFigures(GapData{.observation_dim = 17}, Cheetah()), SizeIs(0));
}

TEST(GapFigures, WriteTheirNumbers) {
  const std::string csv = GapCsv(Data(), Cheetah());
  EXPECT_THAT(csv, HasSubstr("gradient_steps,speed,transitions,measure"));
  EXPECT_THAT(csv, HasSubstr("\n1000,"));
  EXPECT_THAT(csv, HasSubstr(",u,"));
}

TEST(GapData, NamesArraysThatDoNotFitEachOther) {
  const std::string path = ::testing::TempDir() + "gap_data_test.h5";
  auto file = hdf5::File::Create(path);
  ASSERT_TRUE(file.ok()) << file.status();
  const std::vector<float> observations(6, 1);
  ASSERT_TRUE(file->Write<float>("/observations", {3, 2}, observations).ok());
  ASSERT_TRUE(file->Write<uint64_t>("/gradient_steps", {2}, std::vector<uint64_t>{0, 10}).ok());
  ASSERT_TRUE(file->SetAttribute("/", "simulated", uint64_t{2}).ok());
  const std::vector<float> log_ratio = {0, 1, 2, 3, 4, 5};
  ASSERT_TRUE(file->Write<float>("/log_ratio", {2, 3}, log_ratio).ok());
  ASSERT_TRUE(file->Flush().ok());
  const auto data = ReadGapData(path);
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_EQ(data->stages[1].log_ratio, (std::vector<float>{3, 4, 5}));
  EXPECT_TRUE(data->stages[1].u.empty());
  ASSERT_TRUE(file->Write<float>("/u", {3, 2}, observations).ok());
  ASSERT_TRUE(file->Close().ok());
  EXPECT_THAT(std::string(ReadGapData(path).status().message()), HasSubstr("/u"));
}

}  // namespace
}  // namespace estuary::cli
