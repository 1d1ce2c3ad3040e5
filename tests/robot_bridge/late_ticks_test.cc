#include "robot_bridge/late_ticks.h"

#include <gtest/gtest.h>

#include <string>

#include "robot_bridge/loop/clock.h"

namespace estuary::bridge {
namespace {

// Two cores; the eighth number is stolen time.
std::string Stat(int stolen_0, int stolen_1) {
  return "cpu  10 0 10 100 0 0 0 " + std::to_string(stolen_0 + stolen_1) + " 0 0\n" +
         "cpu0 5 0 5 50 0 0 0 " + std::to_string(stolen_0) + " 0 0\n" + "cpu1 5 0 5 50 0 0 0 " +
         std::to_string(stolen_1) + " 0 0\nintr 1 2 3\n";
}

class LateTickTest : public testing::Test {
 protected:
  // Late between the second and the third look, on the second core.
  LateTick Late() {
    LateTick tick;
    tick.at_ns = kSecond + 25 * kMillisecond;
    tick.lateness_ns = 2 * kMillisecond;
    tick.cpu = 1;
    tick.waited_ns = 3 * kMicrosecond;
    return tick;
  }
  void Look(int stolen_0_before, int stolen_0, int stolen_1_before, int stolen_1) {
    judge_.Sample(kSecond, Stat(stolen_0_before, stolen_1_before));
    judge_.Sample(kSecond + 20 * kMillisecond, Stat(stolen_0_before, stolen_1_before));
    judge_.Sample(kSecond + 30 * kMillisecond, Stat(stolen_0, stolen_1));
  }
  LateTickJudge judge_;
};

TEST_F(LateTickTest, BlamesTheHypervisorWhereItStoleFromThatCore) {
  Look(7, 7, 3, 4);
  LateTick tick = Late();
  tick.page_faults = 1;
  EXPECT_EQ(judge_.Judge(tick), LateCause::kStolen);
  tick.cpu = 0;
  EXPECT_EQ(judge_.Judge(tick), LateCause::kPageFault) << "nothing was stolen there";
}

TEST_F(LateTickTest, LooksBackToBeforeItShouldHaveWoken) {
  judge_.Sample(kSecond, Stat(0, 0));
  judge_.Sample(kSecond + 10 * kMillisecond, Stat(0, 1));
  judge_.Sample(kSecond + 20 * kMillisecond, Stat(0, 1));
  LateTick tick = Late();
  tick.at_ns = kSecond + 15 * kMillisecond;
  tick.lateness_ns = 2 * kMillisecond;
  EXPECT_EQ(judge_.Judge(tick), LateCause::kInterrupt) << "the theft was before";
  tick.lateness_ns = 10 * kMillisecond;
  EXPECT_EQ(judge_.Judge(tick), LateCause::kStolen);
}

TEST_F(LateTickTest, TellsWaitingFromPreemptionFromTheWakeUpItself) {
  Look(7, 7, 3, 3);
  LateTick tick = Late();
  EXPECT_EQ(judge_.Judge(tick), LateCause::kInterrupt);
  tick.preemptions = 2;
  EXPECT_EQ(judge_.Judge(tick), LateCause::kPreempted);
  tick.waited_ns = 1500 * kMicrosecond;
  EXPECT_EQ(judge_.Judge(tick), LateCause::kWaiting);
  tick.page_faults = 1;
  EXPECT_EQ(judge_.Judge(tick), LateCause::kPageFault);
}

TEST_F(LateTickTest, DoesWithoutWhatTheKernelDoesNotSay) {
  LateTick tick = Late();
  tick.waited_ns = -1;
  tick.cpu = 99;
  EXPECT_EQ(judge_.Judge(tick), LateCause::kInterrupt);
  judge_.Sample(kSecond, "nonsense\n");
  judge_.Sample(kSecond + 40 * kMillisecond,
                "cpu0 1 2\ncpuX 3 4 5\ncpu99999999999 1 1 1 1 1 1 1 1\n");
  EXPECT_EQ(judge_.Judge(tick), LateCause::kInterrupt);
}

TEST_F(LateTickTest, ReadsTheMachinesOwnAccount) {
  judge_.Sample(Now());
  judge_.Sample(Now());
  EXPECT_STRNE(Name(judge_.Judge(Late())), "?");
}

TEST(WakeWatch, SeesAPageFaultOfItsThread) {
  WakeWatch watch;
  LateTick tick;
  watch.Look(tick);
  {
    std::string touched(8 << 20, 'x');
    EXPECT_EQ(touched.back(), 'x');
  }
  watch.Look(tick);
  EXPECT_GT(tick.page_faults, 0u);
  EXPECT_GE(tick.waited_ns, -1);
}

}  // namespace
}  // namespace estuary::bridge
