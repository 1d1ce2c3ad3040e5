#include "learner/service/insert_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace estuary::learner {
namespace {

ShardHolding Holding(const std::string& id, uint64_t next_cursor) {
  return {.shard_id = id, .rows = 1, .next_cursor = next_cursor, .sampled = 0};
}

TEST(CountOn, AddsWhatEveryLogGrewBy) {
  const std::vector<ShardPosition> before = {{"a", 100, 120, 20}, {"b", 0, 0, 0}};
  const auto after = CountOn(before, {Holding("a", 150), Holding("b", 7)});
  EXPECT_EQ(after[0], (ShardPosition{"a", 100, 150, 50}));
  EXPECT_EQ(after[1], (ShardPosition{"b", 0, 7, 7}));
}

TEST(CountOn, GoesOnFromALogThatJumpedOrIsAnother) {
  const uint64_t jump = uint64_t{1} << 40;
  const std::vector<ShardPosition> before = {{"a", 0, 30, 30}, {"b", 0, 9, 9}};
  const auto after = CountOn(before, {Holding("a", jump + 2), Holding("c", 4)});
  EXPECT_EQ(after[0], (ShardPosition{"a", 0, jump + 2, 30}));
  EXPECT_EQ(after[1], (ShardPosition{"c", 0, 4, 9}));
  const auto later = CountOn(after, {Holding("a", jump + 5), Holding("c", 10)});
  EXPECT_EQ(later[0].rows, 33u);
  EXPECT_EQ(later[1].rows, 15u);
}

}  // namespace
}  // namespace estuary::learner
