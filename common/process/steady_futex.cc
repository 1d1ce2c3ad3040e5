#include "common/process/steady_futex.h"

#include <dlfcn.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

namespace {

using Syscall = long (*)(long, long, long, long, long, long, long);

// No function-local static: its guard may itself wait by a futex.
std::atomic<Syscall> next{nullptr};

Syscall Next() {
  Syscall found = next.load(std::memory_order_relaxed);
  if (found == nullptr) {
    found = reinterpret_cast<Syscall>(dlsym(RTLD_NEXT, "syscall"));
    next.store(found, std::memory_order_relaxed);
  }
  return found;
}

int64_t Read(clockid_t clock) {
  timespec time;
  clock_gettime(clock, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

// The moment on the monotonic clock that is as far away as this one on the wall clock is now.
timespec ToMonotonic(const timespec& time) {
  const int64_t left = int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec - Read(CLOCK_REALTIME);
  const int64_t then = Read(CLOCK_MONOTONIC) + (left > 0 ? left : 0);
  return {.tv_sec = then / 1'000'000'000, .tv_nsec = then % 1'000'000'000};
}

}  // namespace

extern "C" long syscall(long number, ...) noexcept {
  va_list list;
  va_start(list, number);
  long a[6];
  for (long& argument : a) argument = va_arg(list, long);
  va_end(list);
  timespec until;
  const bool by_wall_clock = number == SYS_futex && (a[1] & FUTEX_CLOCK_REALTIME) != 0 &&
                             (a[1] & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET && a[3] != 0;
  if (by_wall_clock) {
    until = ToMonotonic(*reinterpret_cast<const timespec*>(a[3]));
    a[1] &= ~long{FUTEX_CLOCK_REALTIME};
    a[3] = reinterpret_cast<long>(&until);
  }
  return Next()(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

namespace estuary::process {

bool WaitsAreSteady() {
  return dlsym(RTLD_DEFAULT, "syscall") == reinterpret_cast<void*>(&::syscall);
}

}  // namespace estuary::process
