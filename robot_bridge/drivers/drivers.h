// The kinds of driver there are, by name.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "robot_bridge/drivers/driver.h"
#include "robot_bridge/drivers/identity.h"
#include "robot_bridge/loop/realtime.h"
#include "robot_bridge/loop/wakeup.h"

namespace estuary::bridge {

struct DriverOptions {
  // "grpc", "udp" or "serial".
  std::string kind = "grpc";
  // udp: where it listens, host:port. Frames are neither encrypted nor signed, so other machines
  // can only reach it where --insecure says so.
  std::string udp_listen = "127.0.0.1:5202";
  // serial: the line, and its speed; 0: the least that does for the robot.
  std::string serial_device;
  int serial_baud = 0;
};

// `wakeup` is the loop's. `realtime` is what the driver's threads ask of the system.
absl::StatusOr<std::unique_ptr<Driver>> MakeDriver(const DriverOptions& options,
                                                   const RobotIdentity& expected, Wakeup* wakeup,
                                                   const RealtimeOptions& realtime);

}  // namespace estuary::bridge
