#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "learner/core/replay/device_replay.h"
#include "learner/core/replay/moments_sum.h"
#include "learner/core/replay/replay_storage.h"
#include "tests/learner/core/random_replay.h"

namespace estuary::learner {
namespace {

ReplayOptions Options(int64_t capacity, Overflow overflow) {
  ReplayOptions options;
  options.name = "sim";
  options.observation_dim = 1;
  options.action_dim = 1;
  options.capacity = capacity;
  options.overflow = overflow;
  return options;
}

// Rewards first, first + 1, ...
OwnedTransitions Numbered(int first, int rows) {
  OwnedTransitions t;
  for (int i = first; i < first + rows; ++i) {
    const float value = static_cast<float>(i);
    t.observation.push_back(value);
    t.action.push_back(0);
    t.next_observation.push_back(value + 1);
    t.reward.push_back(value);
    t.terminal.push_back(0);
  }
  return t;
}

// Rewards of drawn rows.
std::vector<int> Drawn(const DeviceReplay& replay, int count, uint64_t seed) {
  const DeviceReplay::Storage& storage = replay.storage();
  at::Tensor indices = at::empty({count}, at::kLong);
  storage.Draw(at::detail::createCPUGenerator(seed), indices);
  const at::Tensor rows = storage.rows.index_select(0, indices);
  std::vector<int> rewards;
  for (int i = 0; i < count; ++i) {
    rewards.push_back(static_cast<int>(rows[i][storage.layout.reward_at()].item<float>()));
  }
  return rewards;
}

TEST(DeviceReplay, DrawsEveryRowEquallyOften) {
  auto replay = MakeReplay(Options(100, Overflow::kEvictOldest));
  ASSERT_TRUE(replay->Append(Numbered(0, 20).columns()).ok());
  const int draws = 20000;
  std::vector<int> counts(20);
  for (int reward : Drawn(*replay, draws, 5)) ++counts[static_cast<size_t>(reward)];
  double chi_squared = 0;
  for (int count : counts) chi_squared += std::pow(count - draws / 20.0, 2) / (draws / 20.0);
  // 19 degrees of freedom: above 43.8 once in a thousand seeds.
  EXPECT_LT(chi_squared, 43.8);
}

// Shards of unequal size that were followed side by side, block after block, into one replay.
TEST(DeviceReplay, DrawsUniformlyOverTheUnionOfUnequalShards) {
  const std::vector<int> shards = {1, 7, 40, 152};
  std::vector<int> left = shards, next = {0, 1, 8, 48};
  auto replay = MakeReplay(Options(1000, Overflow::kEvictOldest));
  for (bool any = true; any;) {
    any = false;
    for (size_t shard = 0; shard < shards.size(); ++shard) {
      const int rows = std::min(left[shard], 5 + 3 * static_cast<int>(shard));
      if (rows == 0) continue;
      ASSERT_TRUE(replay->Append(Numbered(next[shard], rows).columns()).ok());
      next[shard] += rows;
      left[shard] -= rows;
      any = true;
    }
  }
  const int draws = 200000;
  std::vector<int> counts(200);
  for (int reward : Drawn(*replay, draws, 11)) ++counts[static_cast<size_t>(reward)];
  const auto statistic = [](double seen, double due) { return (seen - due) * (seen - due) / due; };
  double rows_statistic = 0, shards_statistic = 0;
  for (int count : counts) rows_statistic += statistic(count, draws / 200.0);
  size_t first = 0;
  for (int size : shards) {
    double seen = 0;
    for (int i = 0; i < size; ++i) seen += counts[first + static_cast<size_t>(i)];
    shards_statistic += statistic(seen, draws * size / 200.0);
    first += static_cast<size_t>(size);
  }
  // 199 and 3 degrees of freedom: above 265.8 and 16.3 once in a thousand seeds.
  EXPECT_LT(rows_statistic, 265.8);
  EXPECT_LT(shards_statistic, 16.3);
}

TEST(DeviceReplay, DropsTheOldestWhenFull) {
  auto replay = MakeReplay(Options(10, Overflow::kEvictOldest));
  for (int first = 0; first < 24; first += 4) {
    ASSERT_TRUE(replay->Append(Numbered(first, 4).columns()).ok());
  }
  EXPECT_EQ(replay->size(), 10);
  EXPECT_EQ(replay->appended(), 24);
  for (int reward : Drawn(*replay, 500, 1)) {
    EXPECT_GE(reward, 14);
    EXPECT_LT(reward, 24);
  }
}

TEST(DeviceReplay, DrawsTheSameRowsHoweverTheyArrived) {
  auto one_by_one = MakeReplay(Options(10, Overflow::kEvictOldest));
  for (int i = 0; i < 37; ++i) ASSERT_TRUE(one_by_one->Append(Numbered(i, 1).columns()).ok());
  auto at_once = MakeReplay(Options(10, Overflow::kEvictOldest));
  ASSERT_TRUE(at_once->Append(Numbered(0, 37).columns()).ok());
  auto only_the_last = MakeReplay(Options(10, Overflow::kEvictOldest));
  ASSERT_TRUE(only_the_last->Append(Numbered(27, 10).columns()).ok());
  EXPECT_EQ(Drawn(*one_by_one, 100, 9), Drawn(*at_once, 100, 9));
  EXPECT_EQ(Drawn(*one_by_one, 100, 9), Drawn(*only_the_last, 100, 9));
}

TEST(DeviceReplay, RefusesToDropRealData) {
  auto replay = MakeReplay(Options(10, Overflow::kRefuse));
  ASSERT_TRUE(replay->Append(Numbered(0, 8).columns()).ok());
  const absl::Status status = replay->Append(Numbered(8, 3).columns());
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(replay->size(), 8);
  EXPECT_TRUE(replay->Append(Numbered(8, 2).columns()).ok());
}

TEST(DeviceReplay, KeepsItsRowsWhenItGrows) {
  auto replay = MakeReplay(Options(20000, Overflow::kRefuse));
  for (int first = 0; first < 12000; first += 3000) {
    ASSERT_TRUE(replay->Append(Numbered(first, 3000).columns()).ok());
  }
  const DeviceReplay::Storage& storage = replay->storage();
  for (int i : {0, 2999, 4095, 4096, 11999}) {
    EXPECT_EQ(storage.rows[i][storage.layout.reward_at()].item<float>(), static_cast<float>(i));
  }
}

TEST(DeviceReplay, TakesAllRowsOrNone) {
  auto replay = MakeReplay(Options(10, Overflow::kEvictOldest));
  OwnedTransitions bad = Numbered(0, 3);
  bad.next_observation[1] = std::numeric_limits<float>::quiet_NaN();
  const absl::Status nan = replay->Append(bad.columns());
  EXPECT_EQ(nan.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(nan.message().find("next_observation"), absl::string_view::npos) << nan;
  bad = Numbered(0, 3);
  bad.action.pop_back();
  EXPECT_EQ(replay->Append(bad.columns()).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(replay->size(), 0);
}

TEST(DeviceReplay, ForgetsEverythingOnClear) {
  auto replay = MakeReplay(Options(4, Overflow::kEvictOldest));
  ASSERT_TRUE(replay->Append(Numbered(0, 6).columns()).ok());
  replay->Clear();
  EXPECT_EQ(replay->size(), 0);
  EXPECT_FALSE(replay->Moments().ok());
  ASSERT_TRUE(replay->Append(Numbered(50, 2).columns()).ok());
  for (int reward : Drawn(*replay, 20, 1)) EXPECT_GE(reward, 50);
}

TEST(DeviceReplay, InOrderGivesEachRowOnce) {
  ReplayOptions options = Options(10, Overflow::kEvictOldest);
  options.in_order = true;
  auto replay = MakeReplay(options);
  ASSERT_TRUE(replay->Append(Numbered(0, 8).columns()).ok());
  EXPECT_EQ(Drawn(*replay, 3, 1), (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(replay->size(), 5);
  ASSERT_TRUE(replay->Append(Numbered(8, 5).columns()).ok());
  EXPECT_EQ(replay->size(), 10);
  const absl::Status full = replay->Append(Numbered(13, 1).columns());
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Drawn(*replay, 10, 2), (std::vector<int>{3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
  EXPECT_EQ(replay->size(), 0);
  EXPECT_EQ(CheckDrawable(replay.get(), "sim", 1).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(replay->Moments().status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(MomentsSum, AgreesWithTheReplaysMoments) {
  const OwnedTransitions t = RandomTransitions(300, 3, 2, 4, 5);
  auto replay = MakeReplay({.name = "real", .observation_dim = 3, .action_dim = 2});
  ASSERT_TRUE(replay->Append(t.columns()).ok());
  MomentsSum sum(3);
  EXPECT_FALSE(sum.Moments().ok());
  sum.Add(t.columns());
  const auto got = sum.Moments(), want = replay->Moments();
  ASSERT_TRUE(got.ok() && want.ok());
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(got->observation_mean[i], want->observation_mean[i], 1e-9);
    EXPECT_NEAR(got->observation_std[i], want->observation_std[i], 1e-9);
    EXPECT_NEAR(got->padded_observation_std[i], want->padded_observation_std[i], 1e-9);
    EXPECT_NEAR(got->difference_mean[i], want->difference_mean[i], 1e-6);
    EXPECT_NEAR(got->difference_std[i], want->difference_std[i], 1e-6);
  }
}

TEST(DeviceReplay, TakesMomentsOverWhatItHolds) {
  auto replay = MakeReplay(Options(100, Overflow::kRefuse));
  OwnedTransitions t = Numbered(0, 4);
  t.observation = {1, 2, 3, 6};
  t.next_observation = {2, 4, 3, 6};
  ASSERT_TRUE(replay->Append(t.columns()).ok());
  const auto moments = replay->Moments();
  ASSERT_TRUE(moments.ok()) << moments.status();
  EXPECT_DOUBLE_EQ(moments->observation_mean[0], 3);
  EXPECT_DOUBLE_EQ(moments->observation_std[0], std::sqrt((4 + 1 + 0 + 9) / 4.0));
  EXPECT_DOUBLE_EQ(moments->difference_mean[0], 0.75);
  // The four and forty zeros: mean 12 / 44, mean square 50 / 44.
  EXPECT_NEAR(moments->padded_observation_std[0], std::sqrt(50.0 / 44 - (12.0 / 44) * (12.0 / 44)),
              1e-12);
}

}  // namespace
}  // namespace estuary::learner
