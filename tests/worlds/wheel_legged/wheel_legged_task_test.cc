#include "worlds/wheel_legged/wheel_legged_task.h"

#include <gtest/gtest.h>

#include <cmath>

#include "worlds/world.h"

namespace estuary::worlds {
namespace {

std::unique_ptr<World> MakeWorldOf(const std::string& task, Dynamics dynamics) {
  auto world = MakeWorld({.task = task, .dynamics = dynamics});
  EXPECT_TRUE(world.ok()) << world.status();
  return *std::move(world);
}

TEST(WheelLeggedReward, IsTheCeilingAtRestAndNeverNegative) {
  EXPECT_EQ(WheelLeggedReward(WheelLeggedGoal::kStand, {}, 0), 30);
  EXPECT_EQ(WheelLeggedReward(WheelLeggedGoal::kMove, {.speed = .2}, 0), 15);
  EXPECT_EQ(WheelLeggedReward(WheelLeggedGoal::kStand, {.pitch = 1}, 0), 0);
  EXPECT_EQ(WheelLeggedReward(WheelLeggedGoal::kMove, {.pitch = 1}, 0), 0);
}

TEST(WheelLeggedReward, WeighsEveryTerm) {
  const WheelLeggedState state = {.pitch = .1, .pitch_rate = .5, .x = .2, .speed = .3};
  EXPECT_NEAR(WheelLeggedReward(WheelLeggedGoal::kStand, state, 2),
              30 - 200 * .01 - .25 - 100 * .04 - 10 * .09 - .05 * 4, 1e-12);
  EXPECT_NEAR(WheelLeggedReward(WheelLeggedGoal::kMove, state, 2),
              15 - 100 * .01 - .5 * .25 - 60 * .01 - .03 * 4, 1e-12);
}

TEST(WheelLeggedTask, TerminatesWhereItFalls) {
  for (const char* task : {"wheel_legged_stand", "wheel_legged_move"}) {
    const auto world = MakeWorldOf(task, Dynamics::kSim);
    std::vector<double> observation(world->spec().observation_dim);
    Random random(1);
    world->Reset(EpisodeKind::kTraining, random, absl::MakeSpan(observation));
    const std::vector<double> action = {1};
    StepResult result;
    int steps = 0;
    do {
      result = world->Step(action, random, absl::MakeSpan(observation));
      ++steps;
    } while (!result.terminated && !result.truncated);
    EXPECT_TRUE(result.terminated) << task;
    EXPECT_FALSE(result.truncated) << task;
    EXPECT_GT(std::abs(observation[0]), .35) << task;
    EXPECT_LT(steps, 400) << task;
  }
}

TEST(WheelLeggedTask, TruncatesOutsideTheAreaWhileStandingOnly) {
  for (const char* task : {"wheel_legged_stand", "wheel_legged_move"}) {
    const auto world = MakeWorldOf(task, Dynamics::kSim);
    std::vector<double> observation(world->spec().observation_dim);
    // Rolling out of the area, upright.
    const std::vector<double> qpos = {.499, 0, 0, 0, 0};
    const std::vector<double> qvel = {.4, 0, 0, 4, 4};
    ASSERT_TRUE(world->SetState(qpos, qvel, absl::MakeSpan(observation)).ok());
    Random random(1);
    const StepResult result =
        world->Step(std::vector<double>{0}, random, absl::MakeSpan(observation));
    EXPECT_FALSE(result.terminated);
    EXPECT_EQ(result.truncated, world->spec().name == "wheel_legged_stand");
    EXPECT_GT(world->EpisodeFigures().at("max_abs_x"), .5);
  }
}

// Steps under the fallback until the episode ends; the pose comes from MuJoCo's state.
int StepsUntilEnd(World& world, EpisodeKind kind, const WheelLeggedGains& gains, StepResult& result,
                  double& total) {
  std::vector<double> observation(world.spec().observation_dim);
  Random random(3);
  world.Reset(kind, random, absl::MakeSpan(observation));
  int steps = 0;
  total = 0;
  do {
    const std::vector<double> qpos = world.Qpos();
    const std::vector<double> qvel = world.Qvel();
    const double torque =
        gains.Torque({.pitch = qpos[2], .pitch_rate = qvel[2], .x = qpos[0], .speed = qvel[0]});
    const std::vector<double> action = {torque / WheelLeggedRobot::kMaxTorque};
    result = world.Step(action, random, absl::MakeSpan(observation));
    total += result.reward;
    ++steps;
  } while (!result.terminated && !result.truncated);
  return steps;
}

TEST(WheelLeggedTask, EvaluatesForThirtyAndTwentySeconds) {
  StepResult result;
  double total;
  const auto stand = MakeWorldOf("wheel_legged_stand", Dynamics::kReal);
  EXPECT_EQ(
      StepsUntilEnd(*stand, EpisodeKind::kEvaluation, kWheelLeggedStandFallback, result, total),
      6000);
  EXPECT_TRUE(result.truncated);
  EXPECT_NEAR(total, 165e3, 2e3);
  EXPECT_LT(stand->EpisodeFigures().at("max_abs_x"), .1);
  const auto move = MakeWorldOf("wheel_legged_move", Dynamics::kReal);
  EXPECT_EQ(StepsUntilEnd(*move, EpisodeKind::kEvaluation, kWheelLeggedMoveFallback, result, total),
            4000);
  EXPECT_TRUE(result.truncated);
  EXPECT_GT(total, 40e3);
  EXPECT_NEAR(move->EpisodeFigures().at("mean_speed"), .2, .1);
}

TEST(WheelLeggedTask, TrainsForTwoSecondsAtMost) {
  StepResult result;
  double total;
  const auto world = MakeWorldOf("wheel_legged_move", Dynamics::kReal);
  EXPECT_EQ(StepsUntilEnd(*world, EpisodeKind::kTraining, kWheelLeggedMoveFallback, result, total),
            400);
  EXPECT_TRUE(result.truncated);
  EXPECT_FALSE(result.terminated);
}

struct Range {
  double low = 1e9, high = -1e9;
  void Add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

std::vector<Range> ResetRanges(const std::string& task, Dynamics dynamics, EpisodeKind kind) {
  const auto world = MakeWorldOf(task, dynamics);
  std::vector<double> observation(world->spec().observation_dim);
  std::vector<Range> ranges(observation.size());
  Random random(5);
  for (int i = 0; i < 2000; ++i) {
    world->Reset(kind, random, absl::MakeSpan(observation));
    for (size_t j = 0; j < ranges.size(); ++j) ranges[j].Add(observation[j]);
  }
  return ranges;
}

void ExpectRange(const Range& range, double low, double high) {
  const double slack = .01 * (high - low) + 1e-12;
  EXPECT_GE(range.low, low - 1e-12);
  EXPECT_LE(range.low, low + slack);
  EXPECT_LE(range.high, high + 1e-12);
  EXPECT_GE(range.high, high - slack);
}

TEST(WheelLeggedTask, ResetsWideForTrainingAndNearBalanceForEvaluation) {
  auto ranges = ResetRanges("wheel_legged_stand", Dynamics::kSim, EpisodeKind::kTraining);
  ExpectRange(ranges[0], -.2, .2);
  ExpectRange(ranges[1], -1, 1);
  ExpectRange(ranges[2], -.4, .4);
  ExpectRange(ranges[3], -.5, .5);
  ranges = ResetRanges("wheel_legged_move", Dynamics::kSim, EpisodeKind::kTraining);
  ExpectRange(ranges[2], -.3, .7);
  ranges = ResetRanges("wheel_legged_stand", Dynamics::kReal, EpisodeKind::kEvaluation);
  ExpectRange(ranges[0], -.157, -.057);
  ExpectRange(ranges[1], -.1, .1);
  ExpectRange(ranges[2], -.05, .05);
  ExpectRange(ranges[3], 0, 0);
  ranges = ResetRanges("wheel_legged_stand", Dynamics::kSim, EpisodeKind::kEvaluation);
  ExpectRange(ranges[0], -.05, .05);
}

TEST(WheelLeggedTask, TreatsNotANumberAsNoAction) {
  const auto world = MakeWorldOf("wheel_legged_stand", Dynamics::kReal);
  std::vector<double> with_nan(4), with_zero(4);
  const std::vector<double> qpos = {0, 0, -.1, 0, 0};
  const std::vector<double> qvel(5);
  Random random(1);
  ASSERT_TRUE(world->SetState(qpos, qvel, absl::MakeSpan(with_nan)).ok());
  world->Step(std::vector<double>{std::nan("")}, random, absl::MakeSpan(with_nan));
  ASSERT_TRUE(world->SetState(qpos, qvel, absl::MakeSpan(with_zero)).ok());
  world->Step(std::vector<double>{0}, random, absl::MakeSpan(with_zero));
  EXPECT_EQ(with_nan, with_zero);
}

TEST(WheelLeggedTask, RefusesAStateOfTheWrongSize) {
  const auto world = MakeWorldOf("wheel_legged_stand", Dynamics::kReal);
  std::vector<double> observation(4);
  const absl::Status status =
      world->SetState(std::vector<double>(4), std::vector<double>(5), absl::MakeSpan(observation));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(),
            "task wheel_legged_stand has 5 positions and 5 velocities, got 4 and 5");
}

}  // namespace
}  // namespace estuary::worlds
