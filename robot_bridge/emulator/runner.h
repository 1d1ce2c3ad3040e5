// The emulated robot in real time: a 200 Hz clock around Emulator, with a RobotLink of any
// kind as its wire, which fails where faults are asked for.
#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "robot_bridge/emulator/emulator.h"
#include "robot_bridge/loop/realtime.h"

namespace estuary::bridge {

struct RunnerOptions {
  // In the words of connect.h.
  std::string bridge;
  std::string robot = "robot";
  std::string task;
  EmulatorOptions emulator;
  SensorErrors sensors;
  // Faults from the start (FaultPlan), and where RobotFaults is served; empty: none, nowhere.
  std::string faults;
  std::string control;
  int64_t episodes = 1;
  // Ends after the first episode that is not over by time.
  bool stop_at_fall = false;
  RealtimeOptions realtime;
};

// Drives until the episodes are over or the process shuts down. After each episode calls `report`
// with one line about it.
absl::Status RunRobot(const RunnerOptions& options,
                      const std::function<void(const std::string& line)>& report);

}  // namespace estuary::bridge
