// The robots that a bridge can drive: for each task its sizes, reward, end, fallback controller and
// envelope. No simulator is needed for any of it.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/transition/schema.h"
#include "robot_bridge/drivers/identity.h"
#include "robot_bridge/loop/loop.h"

namespace estuary::bridge {

// Where in the observation what people watch is, in SI units; -1: it is not observed.
struct ObservedFigures {
  int tilt = -1;
  int position = -1;
  int speed = -1;
};

struct RobotTask {
  std::string name;
  uint32_t control_period_us = 0;
  // With the robot's defaults: task, feedback, limits, period.
  LoopConfig loop;
  ObservedFigures figures;

  transition::Schema Schema() const;
  RobotIdentity Identity(const std::string& robot) const;
};

// NOT_FOUND names the tasks there are.
absl::StatusOr<RobotTask> FindRobotTask(const std::string& name);

}  // namespace estuary::bridge
