// The layouts of a task's tables.
#pragma once

#include <cmath>
#include <cstdint>

#include "common/transition/schema.h"
#include "estuary/v1/experiment.pb.h"
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

// Of table sim, whose rows say the gap's numbers.
inline transition::Schema SimSchema(const worlds::TaskSpec& task,
                                    const v1::Experiment& experiment) {
  return transition::Schema::Simulated(task.name, task.observation_dim, task.action_dim,
                                       ControlPeriodUs(task), experiment.gap().edits_size());
}

// Of table real. Where D grows by what a robot records, it is the robot's.
inline transition::Schema RealSchema(const worlds::TaskSpec& task,
                                     const v1::Experiment& experiment) {
  return experiment.dataset().extend() ? RobotSchema(task) : StandardSchema(task);
}

}  // namespace estuary::cli
