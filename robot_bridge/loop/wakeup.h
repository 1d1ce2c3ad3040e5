// How other threads wake a sleeping one without a lock that both would share: a futex word that
// counts signals.
#pragma once

#include <atomic>
#include <cstdint>

namespace estuary::bridge {

class Wakeup {
 public:
  // Any thread. One system call, never blocks.
  void Signal();

  // The one waiting thread. Returns at once where signals came since the last Wait; else sleeps
  // until the next one or until `deadline` (CLOCK_MONOTONIC). True where a signal came.
  bool Wait(int64_t deadline);

 private:
  std::atomic<uint32_t> signals_{0};
  uint32_t seen_ = 0;
};

}  // namespace estuary::bridge
