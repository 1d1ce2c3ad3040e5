// The robot's end of its link to a bridge, whatever carries it. With motor_gate.h it is all that a
// robot's control program needs:
//
//   std::string error;
//   auto link = ConnectRobot("udp:10.0.0.2:5202", identity, {}, error);   // connect.h
//   MotorGate gate(identity.action_dim);
//   each control period:
//     ReceivedCommand command;
//     while (link->NextCommand(command)) gate.Arrived(command);
//     const MotorGate::InForce motors = gate.At(Now());
//     if (motors.torque_on) drive(motors.action); else motors_off();
//     Observation observation = read_sensors();
//     gate.EndPeriod(observation);
//     link->SendObservation(observation);
//
// Threads: SendObservation and NextCommand are for one control thread and never wait; an
// implementation's own threads connect, and connect again when the bridge was away.
#pragma once

#include <cstdint>
#include <string>

#include "robot_bridge/loop/types.h"

namespace estuary::bridge {

struct ReceivedCommand {
  Command command;
  int64_t arrival_ns = 0;
};

class RobotLink {
 public:
  virtual ~RobotLink() = default;

  // Dropped where no bridge is connected.
  virtual void SendObservation(const Observation& observation) = 0;
  // In the order of arrival; false where there is none now.
  virtual bool NextCommand(ReceivedCommand& command) = 0;

  virtual bool connected() const = 0;
  // Why the bridge refused this robot, where trying again would not help; else empty.
  virtual std::string refused() const = 0;

  // Ends the link and its threads. Idempotent.
  virtual void Stop() = 0;
};

}  // namespace estuary::bridge
