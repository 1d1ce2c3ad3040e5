#include "worlds/episode.h"

#include <gtest/gtest.h>

#include <cmath>

namespace estuary::worlds {
namespace {

std::unique_ptr<World> MakeWorldOf(const std::string& task, Dynamics dynamics) {
  auto world = MakeWorld({.task = task, .dynamics = dynamics});
  EXPECT_TRUE(world.ok()) << world.status();
  return *std::move(world);
}

TEST(RunEpisode, SumsRewardsAndRecordsEveryStep) {
  const auto world = MakeWorldOf("half_cheetah", Dynamics::kReal);
  Random random(1);
  double total = 0;
  int steps = 0;
  std::vector<double> expected;
  const EpisodeResult episode = RunEpisode(
      *world, EpisodeKind::kEvaluation,
      [](absl::Span<const float> observation, absl::Span<float> action) {
        EXPECT_EQ(observation.size(), 17u);
        std::fill(action.begin(), action.end(), .25f);
      },
      random,
      [&](const EpisodeStep& step) {
        EXPECT_EQ(step.step, steps++);
        EXPECT_EQ(step.action[5], .25f);
        if (!expected.empty()) {
          EXPECT_TRUE(std::equal(expected.begin(), expected.end(), step.observation.begin()));
        }
        expected.assign(step.next_observation.begin(), step.next_observation.end());
        total += step.result.reward;
      });
  EXPECT_EQ(episode.steps, 1000);
  EXPECT_EQ(steps, 1000);
  EXPECT_EQ(episode.total_reward, total);
  EXPECT_FALSE(episode.terminated);
  EXPECT_TRUE(episode.figures.contains("mean_speed"));
}

TEST(RunEpisode, EndsWhereTheRobotFalls) {
  const auto world = MakeWorldOf("wheel_legged_stand", Dynamics::kReal);
  Random random(1);
  const EpisodeResult episode = RunEpisode(
      *world, EpisodeKind::kEvaluation,
      [](absl::Span<const float>, absl::Span<float> action) { action[0] = 1; }, random);
  EXPECT_TRUE(episode.terminated);
  EXPECT_LT(episode.steps, 400);
  EXPECT_TRUE(episode.figures.contains("max_abs_x"));
}

TEST(RunEpisode, RepeatsForASeed) {
  const auto run = [](uint64_t seed) {
    const auto world = MakeWorldOf("walker2d", Dynamics::kReal);
    Random random(seed);
    return RunEpisode(
               *world, EpisodeKind::kEvaluation,
               [](absl::Span<const float> observation, absl::Span<float> action) {
                 for (size_t i = 0; i < action.size(); ++i) action[i] = -observation[i];
               },
               random)
        .total_reward;
  };
  EXPECT_EQ(run(5), run(5));
  EXPECT_NE(run(5), run(6));
}

}  // namespace
}  // namespace estuary::worlds
