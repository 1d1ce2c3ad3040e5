#include "learner/core/native/worker.h"

#include <gtest/gtest.h>

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

TEST(Worker, WakesAfterALongPause) {
  Worker worker(true);
  std::thread::id here, there;
  for (int i = 0; i < 3; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    worker.Both([&] { here = std::this_thread::get_id(); },
                [&] {
                  std::this_thread::sleep_for(std::chrono::milliseconds(5));
                  there = std::this_thread::get_id();
                });
    EXPECT_EQ(here, std::this_thread::get_id());
    EXPECT_NE(there, here);
  }
}

}  // namespace
}  // namespace estuary::learner::native
