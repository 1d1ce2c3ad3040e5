// How a background thread sleeps between two rounds and is told to end: by the monotonic clock, so
// that a jump of the wall clock neither holds it up nor hurries it.
#pragma once

#include <atomic>
#include <cstdint>

#include "robot_bridge/loop/clock.h"
#include "robot_bridge/loop/wakeup.h"

namespace estuary::bridge {

class StopSignal {
 public:
  // Any thread. True the first time.
  bool Request() {
    if (requested_.exchange(true)) return false;
    wakeup_.Signal();
    return true;
  }

  bool requested() const { return requested_.load(); }

  // The one thread that waits. Returns whether it is to end, after `ns` at most.
  bool WaitFor(int64_t ns) {
    const int64_t deadline = Now() + ns;
    while (!requested_ && wakeup_.Wait(deadline)) {
    }
    return requested_;
  }

 private:
  std::atomic<bool> requested_{false};
  Wakeup wakeup_;
};

}  // namespace estuary::bridge
