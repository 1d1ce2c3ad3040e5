#include "learner/core/native/worker.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace estuary::learner::native {
namespace {

TEST(Worker, RunsBothHalvesAndWaitsForThem) {
  for (const bool parallel : {false, true}) {
    Worker worker(parallel);
    EXPECT_EQ(worker.parallel(), parallel);
    int first = 0, second = 0;
    for (int i = 0; i < 2000; ++i) {
      worker.Both([&] { ++first; }, [&] { ++second; });
      ASSERT_EQ(first, i + 1);
      ASSERT_EQ(second, i + 1);
    }
  }
}

TEST(Worker, WakesAfterALongPauseAndHelpsWithALongHalf) {
  Worker worker(true);
  for (int i = 0; i < 3; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    // Only another thread can begin it while this one waits in its own half.
    std::atomic<bool> begun{false};
    std::thread::id there;
    worker.Both(
        [&] {
          while (!begun) std::this_thread::yield();
        },
        [&] {
          there = std::this_thread::get_id();
          begun = true;
        });
    EXPECT_NE(there, std::this_thread::get_id());
  }
}

TEST(Worker, GivesBackWhatItHasNotBegun) {
  Worker worker(true);
  std::thread::id here = std::this_thread::get_id(), there;
  int taken_back = 0;
  for (int i = 0; i < 100; ++i) {
    // Long enough for the worker to fall asleep, too short a first half to wake it.
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    worker.Both([] {}, [&] { there = std::this_thread::get_id(); });
    taken_back += there == here ? 1 : 0;
  }
  EXPECT_GT(taken_back, 0);
}

}  // namespace
}  // namespace estuary::learner::native
