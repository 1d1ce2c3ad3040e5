// What a robot does by itself when commands stop: it holds the last one for a while, then turns its
// motors off. Pure, so that a robot's firmware may have the same.
#pragma once

#include <cstdint>

#include "robot_bridge/loop/clock.h"

namespace estuary::bridge {

struct Watchdog {
  int64_t hold_after_ns = 20 * kMillisecond;
  int64_t off_after_ns = 100 * kMillisecond;

  enum class Verdict {
    // The newest command is recent.
    kFresh,
    // It is old and stays in force.
    kHold,
    // Torque off.
    kOff,
  };

  Verdict At(int64_t now, int64_t last_command_ns) const {
    const int64_t age = now - last_command_ns;
    if (age >= off_after_ns) return Verdict::kOff;
    return age >= hold_after_ns ? Verdict::kHold : Verdict::kFresh;
  }
};

}  // namespace estuary::bridge
