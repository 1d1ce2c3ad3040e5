#include "robot_bridge/loop/tick_clock.h"

#include <gtest/gtest.h>

#include "robot_bridge/loop/clock.h"

namespace estuary::bridge {
namespace {

constexpr int64_t kPeriod = 5 * kMillisecond;

TEST(TickClock, LatenessNeverAddsUp) {
  TickClock clock(kSecond, kPeriod);
  for (int64_t i = 0; i < 1000; ++i) {
    EXPECT_EQ(clock.deadline(), kSecond + i * kPeriod);
    const TickClock::Tick tick = clock.Woke(clock.deadline() + i % 7 * 100 * kMicrosecond);
    EXPECT_EQ(tick.lateness_ns, i % 7 * 100 * kMicrosecond);
    EXPECT_EQ(tick.missed, 0);
  }
}

TEST(TickClock, SkipsAndCountsMissedTicksAndNeverBunchesThem) {
  TickClock clock(kSecond, kPeriod);
  // Three and a half periods late.
  const int64_t now = kSecond + 3 * kPeriod + kPeriod / 2;
  const TickClock::Tick tick = clock.Woke(now);
  EXPECT_EQ(tick.lateness_ns, 3 * kPeriod + kPeriod / 2);
  EXPECT_EQ(tick.missed, 3);
  EXPECT_EQ(clock.deadline(), kSecond + 4 * kPeriod) << "the next time on the grid, in the future";
  EXPECT_EQ(clock.Woke(clock.deadline()).missed, 0);
}

TEST(TickClock, AWakeUpExactlyAPeriodLateIsOneMissedTick) {
  TickClock clock(kSecond, kPeriod);
  EXPECT_EQ(clock.Woke(kSecond + kPeriod).missed, 1);
  EXPECT_EQ(clock.deadline(), kSecond + 2 * kPeriod);
}

TEST(TickClock, AWakeUpBeforeItsTimeMissesNothing) {
  TickClock clock(kSecond, kPeriod);
  EXPECT_EQ(clock.Woke(kSecond - kMillisecond).missed, 0);
  EXPECT_EQ(clock.deadline(), kSecond + kPeriod);
}

}  // namespace
}  // namespace estuary::bridge
