// The times at which a loop that is paced by the clock is to wake: absolute, so that lateness never
// adds up, and always in the future, so that ticks that were missed are skipped and counted, never
// made up for in a bunch.
#pragma once

#include <cstdint>

namespace estuary::bridge {

class TickClock {
 public:
  TickClock(int64_t first_ns, int64_t period_ns) : deadline_(first_ns), period_(period_ns) {}

  struct Tick {
    int64_t lateness_ns = 0;
    // Whole periods that passed without a tick.
    int64_t missed = 0;
  };

  int64_t deadline() const { return deadline_; }

  // The loop woke at `now` for deadline(), which moves to the next time after `now`.
  Tick Woke(int64_t now) {
    Tick tick;
    tick.lateness_ns = now - deadline_;
    if (tick.lateness_ns > 0) tick.missed = tick.lateness_ns / period_;
    deadline_ += (tick.missed + 1) * period_;
    return tick;
  }

 private:
  int64_t deadline_;
  const int64_t period_;
};

}  // namespace estuary::bridge
