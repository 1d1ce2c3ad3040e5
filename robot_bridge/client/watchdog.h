// What a robot does by itself when commands stop: it holds the last one for a while, then turns its
// motors off. The rule is estuary_robot.h's, which a firmware has in C.
#pragma once

#include <cstdint>

#include "robot_bridge/drivers/frame/estuary_robot.h"

namespace estuary::bridge {

struct Watchdog {
  int64_t hold_after_ns = ESTUARY_HOLD_AFTER_NS;
  int64_t off_after_ns = ESTUARY_OFF_AFTER_NS;

  enum class Verdict {
    // The newest command is recent.
    kFresh = ESTUARY_COMMAND_FRESH,
    // It is old and stays in force.
    kHold = ESTUARY_COMMAND_HELD,
    // Torque off.
    kOff = ESTUARY_MOTORS_OFF,
  };

  Verdict At(int64_t now, int64_t last_command_ns) const {
    return static_cast<Verdict>(estuary_watchdog(
        static_cast<uint64_t>(now), static_cast<uint64_t>(last_command_ns),
        static_cast<uint64_t>(hold_after_ns), static_cast<uint64_t>(off_after_ns)));
  }
};

}  // namespace estuary::bridge
