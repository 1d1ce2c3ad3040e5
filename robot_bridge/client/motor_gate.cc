#include "robot_bridge/client/motor_gate.h"

#include <algorithm>

namespace estuary::bridge {

void MotorGate::Arrived(const ReceivedCommand& command) {
  if (command.command.action_dim != action_dim_) {
    ++dropped_;
    return;
  }
  arrived_.push_back(command);
}

MotorGate::InForce MotorGate::At(int64_t now) {
  while (!arrived_.empty() && arrived_.front().arrival_ns <= now) {
    const ReceivedCommand& next = arrived_.front();
    if (has_newest_ && next.command.observation_sequence < newest_.command.observation_sequence) {
      ++dropped_;
    } else {
      newest_ = next;
      has_newest_ = true;
    }
    arrived_.pop_front();
  }
  InForce in_force;
  if (has_newest_) {
    const Watchdog::Verdict verdict = watchdog_.At(now, newest_.arrival_ns);
    in_force.sequence = newest_.command.observation_sequence;
    in_force.torque_on = newest_.command.torque_on && verdict != Watchdog::Verdict::kOff;
    in_force.held = verdict == Watchdog::Verdict::kHold;
    for (uint32_t i = 0; in_force.torque_on && i < action_dim_; ++i) {
      // Written so that a NaN becomes no torque.
      const float value = newest_.command.action[i];
      in_force.action[i] = value >= -1 && value <= 1 ? value : value > 1 ? 1 : value < -1 ? -1 : 0;
    }
  }
  if (asked_ && (in_force.sequence != last_.sequence || in_force.torque_on != last_.torque_on ||
                 in_force.action != last_.action)) {
    changed_ = true;
  }
  asked_ = true;
  last_ = in_force;
  return in_force;
}

void MotorGate::EndPeriod(Observation& observation) {
  observation.applied_changed = changed_;
  observation.applied_sequence = 0;
  observation.applied_dim = 0;
  if (last_.torque_on || changed_) {
    observation.applied_sequence = last_.sequence;
    observation.applied_dim = action_dim_;
    observation.applied_action = last_.action;
  }
  asked_ = false;
  changed_ = false;
}

}  // namespace estuary::bridge
