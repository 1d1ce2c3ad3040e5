// The layouts of a task's tables.
#pragma once

#include <cmath>
#include <cstdint>

#include "common/transition/schema.h"
#include "worlds/world.h"

namespace estuary::cli {

inline uint32_t ControlPeriodUs(const worlds::TaskSpec& task) {
  return static_cast<uint32_t>(std::lround(task.control_period * 1e6));
}

inline transition::Schema StandardSchema(const worlds::TaskSpec& task) {
  return transition::Schema::Standard(task.name, task.observation_dim, task.action_dim,
                                      ControlPeriodUs(task));
}

inline transition::Schema RobotSchema(const worlds::TaskSpec& task) {
  return transition::Schema::Robot(task.name, task.observation_dim, task.action_dim,
                                   ControlPeriodUs(task));
}

}  // namespace estuary::cli
