// What stands before a robot's motors: which command is in force at a time, the watchdog, and what
// the next observation says about the period that ended. It knows no clock.
//
// The newest command counts: one that answers an older observation than another that has come is
// dropped.
#pragma once

#include <cstdint>
#include <deque>

#include "robot_bridge/client/robot_link.h"
#include "robot_bridge/client/watchdog.h"

namespace estuary::bridge {

class MotorGate {
 public:
  struct InForce {
    bool torque_on = false;
    // The observation that the command answers, and the action: zero where torque is off.
    uint64_t sequence = 0;
    ActionArray action{};
    // The command is old and is held.
    bool held = false;

    bool operator==(const InForce&) const = default;
  };

  explicit MotorGate(uint32_t action_dim, const Watchdog& watchdog = {})
      : action_dim_(action_dim), watchdog_(watchdog) {}

  // In the order of arrival. A command of another size than the robot's is dropped.
  void Arrived(const ReceivedCommand& command);

  // The command in force at `now`, after those that arrived by then; `now` never goes back.
  InForce At(int64_t now);

  // Fills in the part of the observation that says which command was in force since the last call,
  // by what At gave in that time.
  void EndPeriod(Observation& observation);

  // When the command in force arrived, 0: none yet.
  int64_t newest_arrival_ns() const { return has_newest_ ? newest_.arrival_ns : 0; }
  // Commands dropped because a newer one had come, or because of their size.
  uint64_t dropped() const { return dropped_; }

 private:
  const uint32_t action_dim_;
  const Watchdog watchdog_;
  std::deque<ReceivedCommand> arrived_;
  ReceivedCommand newest_;
  bool has_newest_ = false;
  uint64_t dropped_ = 0;

  // Since the last EndPeriod.
  bool asked_ = false;
  bool changed_ = false;
  InForce last_;
};

}  // namespace estuary::bridge
