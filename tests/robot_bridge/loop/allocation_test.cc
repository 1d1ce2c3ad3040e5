// The loop must not allocate: malloc itself is replaced here, so that whatever takes memory on the
// loop's thread is counted, by whichever way.
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <thread>
#include <vector>

#include "tests/robot_bridge/loop/fake_robot.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ESTUARY_TRAP 0
#else
#define ESTUARY_TRAP 1
#endif

namespace {

thread_local bool trapped = false;
std::atomic<int> allocations{0};

void Count() {
  if (trapped) allocations.fetch_add(1);
}

}  // namespace

#if ESTUARY_TRAP
extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* old, size_t size);
void __libc_free(void* memory);

void* malloc(size_t size) {
  Count();
  return __libc_malloc(size);
}
void* calloc(size_t count, size_t size) {
  Count();
  return __libc_calloc(count, size);
}
void* realloc(void* old, size_t size) {
  Count();
  return __libc_realloc(old, size);
}
void free(void* memory) {
  if (memory != nullptr) Count();
  __libc_free(memory);
}
}
#endif

namespace estuary::bridge {
namespace {

TEST(Allocation, TheTrapWorks) {
#if !ESTUARY_TRAP
  GTEST_SKIP() << "a sanitizer owns malloc";
#endif
  allocations = 0;
  trapped = true;
  // Volatile, or the compiler leaves both pairs out.
  void* volatile memory = malloc(10);
  free(memory);
  int* volatile number = new int(1);
  delete number;
  trapped = false;
  EXPECT_EQ(allocations.load(), 4);
}

TEST(Allocation, TheLoopTakesAndFreesNoMemoryWhateverHappens) {
#if !ESTUARY_TRAP
  GTEST_SKIP() << "a sanitizer owns malloc";
#endif
  LoopConfig config = TestConfig();
  config.fade_ticks = 5;
  Rig rig(config);
  std::atomic<int64_t> ticks{0};
  // The rig's script is the test's, outside of the trap.
  const auto step = [&] {
    trapped = true;
    rig.loop.Step(rig.now);
    trapped = false;
    ++ticks;
  };
  allocations = 0;
  uint64_t request = 0;
  uint32_t version = 0;
  for (int i = 0; i < 20'000; ++i) {
    if (i % 50 == 0) rig.Offer(++version, i % 400 == 0 ? NAN : 0.3f);
    if (i % 97 == 3) rig.port.requests.Push({++request, Event::kArm});
    if (i % 97 == 5) rig.port.requests.Push({++request, Event::kChoosePolicy});
    if (i % 997 == 7) rig.port.requests.Push({++request, Event::kEmergencyStop});
    if (i % 211 == 0) rig.now += 30 * kMillisecond;
    if (i % 1013 == 0) rig.now += 300 * kMillisecond;
    if (i % 3001 == 0) ++rig.link;
    const float pitch = i % 89 == 0 ? NAN : 0.4f * std::sin(static_cast<float>(i) * 0.1f);
    rig.robot.Queue(rig.Next(pitch));
    step();
    rig.Recorded();
    rig.Changes();
    TickRecord tick;
    while (rig.telemetry.ticks.Pop(tick)) {
    }
    Reply reply;
    while (rig.port.replies.Pop(reply)) {
    }
    LoopStatus status;
    rig.telemetry.status.Take(status);
  }
  EXPECT_EQ(allocations.load(), 0);
  EXPECT_EQ(ticks.load(), 20'000);
  EXPECT_GT(rig.telemetry.counters.transitions_recorded.Get(), 5'000u);
  EXPECT_GT(rig.telemetry.counters.policy_swaps.Get(), 100u);
}

TEST(Allocation, NeitherPacingTakesMemoryWhileItRuns) {
#if !ESTUARY_TRAP
  GTEST_SKIP() << "a sanitizer owns malloc";
#endif
  for (const Pacing pacing : {Pacing::kClock, Pacing::kObservations}) {
    LoopConfig config = TestConfig();
    config.pacing = pacing;
    config.period_ns = kMillisecond;
    config.late_ns = 1;
    config.spin_ns = 10 * kMicrosecond;
    Rig rig(config);
    std::atomic<bool> stop{false};
    allocations = 0;
    std::thread thread([&] {
      trapped = true;
      rig.loop.Run(stop);
      trapped = false;
    });
    while (rig.telemetry.counters.turns.Get() < 50) SleepUntil(Now() + kMillisecond);
    stop = true;
    thread.join();
    EXPECT_EQ(allocations.load(), 0);
    if (pacing == Pacing::kClock) {
      EXPECT_GT(rig.telemetry.counters.late_ticks.Get(), 0u);
    }
  }
}

}  // namespace
}  // namespace estuary::bridge
