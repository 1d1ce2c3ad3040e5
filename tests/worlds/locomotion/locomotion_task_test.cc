#include "worlds/locomotion/locomotion_task.h"

#include <gtest/gtest.h>

#include <cmath>

#include "worlds/world.h"

namespace estuary::worlds {
namespace {

std::unique_ptr<World> MakeWorldOf(const std::string& task) {
  auto world = MakeWorld({.task = task, .dynamics = Dynamics::kSim});
  EXPECT_TRUE(world.ok()) << world.status();
  return *std::move(world);
}

struct ResetStatistics {
  double max_position = 0;
  double max_velocity = 0;
  double velocity_variance = 0;
};

// Of 500 resets, relative to `height` of the torso.
ResetStatistics StatisticsOf(const std::string& task, double height) {
  const auto world = MakeWorldOf(task);
  Random random(3);
  std::vector<double> observation(17);
  ResetStatistics statistics;
  for (int i = 0; i < 500; ++i) {
    world->Reset(EpisodeKind::kTraining, random, absl::MakeSpan(observation));
    std::vector<double> qpos = world->Qpos();
    qpos[1] -= height;
    for (const double q : qpos) {
      statistics.max_position = std::max(statistics.max_position, std::abs(q));
    }
    for (const double v : world->Qvel()) {
      statistics.max_velocity = std::max(statistics.max_velocity, std::abs(v));
      statistics.velocity_variance += v * v / (500 * 9);
    }
  }
  return statistics;
}

TEST(HalfCheetah, ResetsAsInGymnasium) {
  const ResetStatistics statistics = StatisticsOf("half_cheetah", 0);
  EXPECT_LE(statistics.max_position, .1);
  EXPECT_GT(statistics.max_position, .099);
  EXPECT_NEAR(std::sqrt(statistics.velocity_variance), .1, .004);
  EXPECT_GT(statistics.max_velocity, .25);
}

TEST(Walker2d, ResetsAsInGymnasium) {
  const ResetStatistics statistics = StatisticsOf("walker2d", 1.25);
  EXPECT_LE(statistics.max_position, .005 + 1e-12);
  EXPECT_GT(statistics.max_position, .00495);
  EXPECT_LE(statistics.max_velocity, .005);
  EXPECT_NEAR(std::sqrt(statistics.velocity_variance), .005 / std::sqrt(3), .0001);
}

TEST(HalfCheetah, IsOnlyTruncated) {
  const auto world = MakeWorldOf("half_cheetah");
  Random random(4);
  std::vector<double> observation(17);
  world->Reset(EpisodeKind::kEvaluation, random, absl::MakeSpan(observation));
  for (int step = 1; step <= 1000; ++step) {
    const StepResult result =
        world->Step(std::vector<double>(6, -1), random, absl::MakeSpan(observation));
    EXPECT_FALSE(result.terminated);
    EXPECT_EQ(result.truncated, step == 1000);
  }
  EXPECT_NEAR(world->EpisodeFigures().at("mean_speed"), world->Qpos()[0] / 50, .01);
}

TEST(Walker2d, SeesVelocitiesClipped) {
  const auto world = MakeWorldOf("walker2d");
  std::vector<double> observation(17);
  std::vector<double> qpos(9);
  qpos[1] = 1.25;
  std::vector<double> qvel(9);
  qvel[0] = 12, qvel[2] = -30, qvel[8] = 9;
  ASSERT_TRUE(world->SetState(qpos, qvel, absl::MakeSpan(observation)).ok());
  EXPECT_EQ(observation[0], 1.25);
  EXPECT_EQ(observation[8], 10);
  EXPECT_EQ(observation[10], -10);
  EXPECT_EQ(observation[16], 9);
}

TEST(Walker2d, TerminatesOutsideItsHealthyRange) {
  const auto world = MakeWorldOf("walker2d");
  Random random(1);
  std::vector<double> observation(17);
  for (const double angle : {-1.2, 0.0, 1.2}) {
    std::vector<double> qpos(9);
    qpos[1] = 1.9, qpos[2] = angle;
    ASSERT_TRUE(world->SetState(qpos, std::vector<double>(9), absl::MakeSpan(observation)).ok());
    const StepResult result =
        world->Step(std::vector<double>(6), random, absl::MakeSpan(observation));
    EXPECT_EQ(result.terminated, angle != 0) << angle;
    EXPECT_EQ(result.reward > .5, angle == 0) << angle;
  }
}

TEST(Locomotion, EndsAnEpisodeWhoseSimulationDiverges) {
  const auto world = MakeWorldOf("half_cheetah");
  Random random(1);
  std::vector<double> observation(17);
  std::vector<double> qvel(9);
  qvel[4] = 1e11;
  ASSERT_TRUE(world->SetState(std::vector<double>(9), qvel, absl::MakeSpan(observation)).ok());
  const StepResult result =
      world->Step(std::vector<double>(6), random, absl::MakeSpan(observation));
  EXPECT_TRUE(result.terminated);
  EXPECT_EQ(result.reward, 0);
  for (const double value : observation) EXPECT_TRUE(std::isfinite(value));
}

}  // namespace
}  // namespace estuary::worlds
