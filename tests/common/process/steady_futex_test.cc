#include "common/process/steady_futex.h"

#include <errno.h>
#include <gtest/gtest.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"

namespace estuary::process {
namespace {

TEST(SteadyFutex, IsWhatLibrariesCall) { EXPECT_TRUE(WaitsAreSteady()); }

TEST(SteadyFutex, EndsAWaitWhoseMomentOnTheWallClockComes) {
  uint32_t word = 0;
  timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_nsec += 20'000'000;
  until.tv_sec += until.tv_nsec / 1'000'000'000;
  until.tv_nsec %= 1'000'000'000;
  timespec before;
  clock_gettime(CLOCK_MONOTONIC, &before);
  const long rc = syscall(SYS_futex, &word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &until,
                          nullptr, FUTEX_BITSET_MATCH_ANY);
  EXPECT_EQ(rc, -1);
  EXPECT_EQ(errno, ETIMEDOUT);
  timespec after;
  clock_gettime(CLOCK_MONOTONIC, &after);
  EXPECT_GE((after.tv_sec - before.tv_sec) * 1'000'000'000 + after.tv_nsec - before.tv_nsec,
            19'000'000);
}

TEST(SteadyFutex, EndsAtOnceAWaitWhoseMomentIsOver) {
  uint32_t word = 0;
  const timespec until = {.tv_sec = 1, .tv_nsec = 0};
  EXPECT_EQ(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &until, nullptr,
                    FUTEX_BITSET_MATCH_ANY),
            -1);
  EXPECT_EQ(errno, ETIMEDOUT);
}

TEST(SteadyFutex, HandsOnWhatItDoesNotKnow) {
  EXPECT_EQ(syscall(SYS_getpid), getpid());
  uint32_t word = 1;
  EXPECT_EQ(syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, nullptr, nullptr, 0), -1);
  EXPECT_EQ(errno, EAGAIN) << "the word is another";
}

TEST(SteadyFutex, LetsAbslWaitAndWakeAsEver) {
  absl::Notification notification;
  EXPECT_FALSE(notification.WaitForNotificationWithTimeout(absl::Milliseconds(10)));
  absl::Mutex mutex;
  bool done = false;
  absl::MutexLock lock(&mutex);
  EXPECT_FALSE(mutex.AwaitWithTimeout(absl::Condition(&done), absl::Milliseconds(10)));
}

}  // namespace
}  // namespace estuary::process
