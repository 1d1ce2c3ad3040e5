#include "replay_server/limiter.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace estuary::replay {
namespace {

using ::testing::HasSubstr;

v1::SamplesPerInsert Config(double ratio, uint64_t min_size, double buffer) {
  v1::SamplesPerInsert config;
  config.set_samples_per_insert(ratio);
  config.set_min_size(min_size);
  config.set_error_buffer(buffer);
  return config;
}

TEST(Limiter, NeverBlocksWithoutAConfiguration) {
  const Limiter limiter;
  EXPECT_EQ(limiter.InsertsAllowed(), Limiter::kUnlimited);
  EXPECT_TRUE(limiter.SampleAllowed(1 << 20));
  EXPECT_TRUE(limiter.CheckBatch(1 << 20).ok());
}

TEST(Limiter, InsertsAreFreeUntilMinSizeAndThenUpToTheErrorBuffer) {
  Limiter limiter(Config(2, 100, 20));
  // 100, and then 2 * n - 0 <= 20.
  EXPECT_EQ(limiter.InsertsAllowed(), 110);
  limiter.Inserted(100);
  EXPECT_EQ(limiter.difference(), 0);
  EXPECT_EQ(limiter.InsertsAllowed(), 10);
  limiter.Inserted(10);
  EXPECT_EQ(limiter.difference(), 20);
  EXPECT_EQ(limiter.InsertsAllowed(), 0);
  limiter.Sampled(1.9);
  EXPECT_EQ(limiter.InsertsAllowed(), 0);
  limiter.Sampled(0.1);
  EXPECT_EQ(limiter.InsertsAllowed(), 1);
  limiter.Sampled(198);
  EXPECT_EQ(limiter.InsertsAllowed(), 100);
  limiter.Inserted(60);
  limiter.Uninserted(60);
  EXPECT_EQ(limiter.InsertsAllowed(), 100);
}

TEST(Limiter, BatchesWaitForMinSizeAndThenDownToTheErrorBuffer) {
  Limiter limiter(Config(2, 100, 300));
  limiter.Inserted(99);
  EXPECT_FALSE(limiter.SampleAllowed(1));
  limiter.Inserted(1);
  EXPECT_TRUE(limiter.SampleAllowed(300));
  EXPECT_FALSE(limiter.SampleAllowed(301));
  limiter.Sampled(256);
  EXPECT_TRUE(limiter.SampleAllowed(44));
  EXPECT_FALSE(limiter.SampleAllowed(45));
  limiter.Inserted(1);
  EXPECT_TRUE(limiter.SampleAllowed(46));
}

TEST(Limiter, RefusesWhatMustDeadlockWithTheArithmetic) {
  EXPECT_TRUE(Limiter::Check(Config(8, 1000, 8), 1000).ok());
  const absl::Status buffer = Limiter::Check(Config(8, 1000, 7.5), 1000);
  EXPECT_TRUE(absl::IsInvalidArgument(buffer));
  EXPECT_THAT(std::string(buffer.message()), HasSubstr("8 * 1 - 0 = 8 > 7.5"));
  const absl::Status size = Limiter::Check(Config(8, 1001, 8), 1000);
  EXPECT_TRUE(absl::IsInvalidArgument(size));
  EXPECT_THAT(std::string(size.message()), HasSubstr("min_size 1001"));
  EXPECT_FALSE(Limiter::Check(Config(0, 10, 8), 1000).ok());
  EXPECT_FALSE(Limiter::Check(Config(-1, 10, 8), 1000).ok());
  EXPECT_FALSE(Limiter::Check(Config(NAN, 10, 8), 1000).ok());
  EXPECT_FALSE(Limiter::Check(Config(1, 10, INFINITY), 1000).ok());
}

TEST(Limiter, ABatchSizeThatCanBlockBothSidesIsRefusedAndNoOther) {
  const Limiter limiter(Config(2, 10, 129));
  EXPECT_TRUE(limiter.CheckBatch(256).ok());
  const absl::Status status = limiter.CheckBatch(257);
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("at least 129.5"));
}

// Whoever may move, moves: no state that can be reached has both sides waiting.
TEST(Limiter, WithAnAcceptedBatchSizeSomebodyCanAlwaysMove) {
  for (const double ratio : {0.1, 1.0, 2.5, 32.0}) {
    for (const uint32_t batch : {1, 7, 256}) {
      const double buffer = std::max({1.0, ratio, (ratio + batch) / 2});
      Limiter limiter(Config(ratio, 5, buffer));
      ASSERT_TRUE(Limiter::Check(Config(ratio, 5, buffer), 100).ok());
      ASSERT_TRUE(limiter.CheckBatch(batch).ok());
      uint64_t random = 1;
      for (int step = 0; step < 20'000; ++step) {
        random = random * 6364136223846793005 + 1442695040888963407;
        const bool insert = limiter.InsertsAllowed() > 0;
        const bool sample = limiter.SampleAllowed(batch);
        ASSERT_TRUE(insert || sample) << "difference " << limiter.difference();
        if (insert && (!sample || (random >> 33) % 2 == 0)) {
          limiter.Inserted(1);
        } else {
          limiter.Sampled(batch);
        }
        ASSERT_LE(limiter.difference(), buffer + 1e-6);
        if (limiter.inserted() > 5) {
          ASSERT_GE(limiter.difference(), -buffer - 1e-6);
        }
      }
    }
  }
}

TEST(Limiter, BalanceForgetsWhatAnOldConfigurationCounted) {
  Limiter limiter(Config(4, 100, 8));
  limiter.Restore(1100, 1'000'000);
  EXPECT_FALSE(limiter.SampleAllowed(1));
  limiter.Balance();
  EXPECT_EQ(limiter.difference(), 0);
  EXPECT_EQ(limiter.InsertsAllowed(), 2);
  limiter.Restore(50, 7);
  limiter.Balance();
  EXPECT_EQ(limiter.InsertsAllowed(), 52);
}

}  // namespace
}  // namespace estuary::replay
