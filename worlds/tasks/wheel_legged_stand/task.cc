#include "worlds/wheel_legged/wheel_legged_task.h"

namespace estuary::worlds::wheel_legged_stand {

const Task& GetTask() {
  static const WheelLeggedTask& task = *new WheelLeggedTask(
      {.name = "wheel_legged_stand",
       .observation_dim = 4,
       .action_dim = 1,
       .control_period = WheelLeggedRobot::kControlPeriod,
       .training_steps = 400,
       .evaluation_steps = 6000,
       .observation_names = {"pitch (rad)", "pitch_rate (rad/s)", "x (m)", "speed (m/s)"}},
      WheelLeggedGoal::kStand);
  return task;
}

}  // namespace estuary::worlds::wheel_legged_stand
