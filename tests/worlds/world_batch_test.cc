#include "tests/worlds/world_batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "worlds/world.h"

namespace estuary::worlds {
namespace {

std::unique_ptr<WorldBatch> MakeBatch(const std::string& task, int size, uint64_t seed) {
  auto batch = WorldBatch::Make({.task = task}, size, seed);
  EXPECT_TRUE(batch.ok()) << batch.status();
  return *std::move(batch);
}

// Everything a batch saw in `steps` steps, resetting whatever ends; [step][world].
struct Trace {
  std::vector<std::vector<float>> observations;
  std::vector<std::vector<double>> rewards;
};

Trace RunBatch(WorldBatch& batch, int steps) {
  const int obs = batch.spec().observation_dim;
  const int act = batch.spec().action_dim;
  const int n = batch.size();
  std::vector<float> observations(n * obs), actions(n * act);
  std::vector<StepResult> results(n);
  const auto row = [&](int i) { return absl::MakeSpan(observations).subspan(i * obs, obs); };
  for (int i = 0; i < n; ++i) batch.Reset(i, EpisodeKind::kTraining, row(i));
  Trace trace;
  for (int step = 0; step < steps; ++step) {
    for (int i = 0; i < n; ++i) {
      for (int j = 0; j < act; ++j) {
        actions[i * act + j] = std::sin(.7f * step + 3 * j + .1f * i);
      }
    }
    batch.Step(actions, absl::MakeSpan(observations), absl::MakeSpan(results));
    trace.observations.push_back(observations);
    trace.rewards.emplace_back();
    for (int i = 0; i < n; ++i) {
      trace.rewards.back().push_back(results[i].reward);
      if (results[i].terminated || results[i].truncated) {
        batch.Reset(i, EpisodeKind::kTraining, row(i));
      }
    }
  }
  return trace;
}

class WorldBatchOf : public ::testing::TestWithParam<std::string> {};

TEST_P(WorldBatchOf, RepeatsEveryBitForASeed) {
  const auto first = MakeBatch(GetParam(), 5, 11);
  const auto again = MakeBatch(GetParam(), 5, 11);
  const Trace a = RunBatch(*first, 300);
  const Trace b = RunBatch(*again, 300);
  EXPECT_EQ(a.observations, b.observations);
  EXPECT_EQ(a.rewards, b.rewards);
}

TEST_P(WorldBatchOf, StartsEveryWorldDifferentlyAndEverySeedToo) {
  const auto batch = MakeBatch(GetParam(), 8, 11);
  const auto other = MakeBatch(GetParam(), 8, 12);
  const int obs = batch->spec().observation_dim;
  std::vector<std::vector<float>> starts;
  for (WorldBatch* of : {batch.get(), other.get()}) {
    for (int i = 0; i < 8; ++i) {
      for (int episode = 0; episode < 3; ++episode) {
        starts.emplace_back(obs);
        of->Reset(i, EpisodeKind::kTraining, absl::MakeSpan(starts.back()));
      }
    }
  }
  std::sort(starts.begin(), starts.end());
  EXPECT_EQ(std::adjacent_find(starts.begin(), starts.end()), starts.end());
}

// The shared simulator must not let one world see another.
TEST_P(WorldBatchOf, StepsAWorldAsIfItWereAlone) {
  const auto one = MakeBatch(GetParam(), 1, 11);
  const auto many = MakeBatch(GetParam(), 4, 11);
  const int obs = one->spec().observation_dim;
  const Trace alone = RunBatch(*one, 300);
  const Trace together = RunBatch(*many, 300);
  for (int step = 0; step < 300; ++step) {
    const auto first = together.observations[step].begin();
    ASSERT_TRUE(std::equal(first, first + obs, alone.observations[step].begin())) << step;
    ASSERT_EQ(together.rewards[step][0], alone.rewards[step][0]) << step;
  }
}

TEST_P(WorldBatchOf, GoesOnPastTheEndUntilReset) {
  const auto batch = MakeBatch(GetParam(), 2, 3);
  const int obs = batch->spec().observation_dim;
  std::vector<float> observations(2 * obs), actions(2 * batch->spec().action_dim, .5f);
  std::vector<StepResult> results(2);
  for (int i = 0; i < 2; ++i) {
    batch->Reset(i, EpisodeKind::kTraining, absl::MakeSpan(observations).subspan(i * obs, obs));
  }
  const int steps = batch->spec().training_steps;
  for (int step = 0; step < steps + 3; ++step) {
    if (step == steps - 1) {
      batch->Reset(1, EpisodeKind::kTraining, absl::MakeSpan(observations).subspan(obs, obs));
    }
    batch->Step(actions, absl::MakeSpan(observations), absl::MakeSpan(results));
  }
  EXPECT_TRUE(results[0].truncated || results[0].terminated);
  EXPECT_FALSE(results[1].truncated);
  for (const float value : observations) EXPECT_TRUE(std::isfinite(value));
}

INSTANTIATE_TEST_SUITE_P(Tasks, WorldBatchOf, ::testing::ValuesIn(TaskNames()),
                         [](const auto& info) { return info.param; });

TEST(WorldBatch, RefusesToBeEmptyAndNamesTasks) {
  EXPECT_EQ(WorldBatch::Make({.task = "walker2d"}, 0, 1).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(WorldBatch::Make({.task = "hopper"}, 1, 1).status().message()),
              ::testing::StartsWith("there is no task 'hopper'; there are: half_cheetah, walker2d, "
                                    "wheel_legged_move, wheel_legged_stand"));
}

}  // namespace
}  // namespace estuary::worlds
