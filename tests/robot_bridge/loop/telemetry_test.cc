#include "robot_bridge/loop/telemetry.h"

#include <gtest/gtest.h>

#include "robot_bridge/loop/clock.h"

namespace estuary::bridge {
namespace {

TEST(Histogram, PutsEveryValueIntoABucketThatHoldsIt) {
  for (uint64_t us = 0; us < 3'000'000; us += us < 1000 ? 1 : us / 100) {
    const int bucket = Histogram::BucketOf(us);
    ASSERT_LT(static_cast<double>(us), Histogram::UpperUs(bucket)) << us;
    const double lower = bucket > 0 ? Histogram::UpperUs(bucket - 1) : 0;
    ASSERT_GE(static_cast<double>(us), lower) << us;
  }
  EXPECT_EQ(Histogram::BucketOf(uint64_t{1} << 40), Histogram::kBuckets - 1);
}

TEST(Histogram, QuantilesAreWithinABucketOfTheTruth) {
  Histogram histogram;
  EXPECT_EQ(Histogram::QuantileUs(histogram.Read(), 0.5), 0);
  for (int64_t us = 1; us <= 1000; ++us) histogram.Record(us * kMicrosecond);
  const Histogram::Counts counts = histogram.Read();
  EXPECT_NEAR(Histogram::QuantileUs(counts, 0.5), 500, 500 * 0.26);
  EXPECT_GE(Histogram::QuantileUs(counts, 0.5), 500);
  EXPECT_NEAR(Histogram::QuantileUs(counts, 0.99), 990, 990 * 0.26);
  EXPECT_EQ(histogram.MaxUs(), 1000u);
  EXPECT_EQ(histogram.SumUs(), 500'500u);
}

TEST(Histogram, CountsAClockThatWentBackAsZero) {
  Histogram histogram;
  histogram.Record(-5);
  EXPECT_EQ(histogram.Read()[0], 1u);
}

}  // namespace
}  // namespace estuary::bridge
