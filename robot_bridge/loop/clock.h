// The loop's one clock: CLOCK_MONOTONIC in nanoseconds, which no one sets.
#pragma once

#include <time.h>

#include <cstdint>

namespace estuary::bridge {

inline constexpr int64_t kMicrosecond = 1'000;
inline constexpr int64_t kMillisecond = 1'000'000;
inline constexpr int64_t kSecond = 1'000'000'000;

inline int64_t Now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * kSecond + time.tv_nsec;
}

inline timespec ToTimespec(int64_t ns) {
  timespec time;
  time.tv_sec = ns / kSecond;
  time.tv_nsec = ns % kSecond;
  return time;
}

// Sleeps to an absolute time of Now(); a time that has passed returns at once.
inline void SleepUntil(int64_t deadline) {
  const timespec time = ToTimespec(deadline);
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr) != 0) {
  }
}

}  // namespace estuary::bridge
