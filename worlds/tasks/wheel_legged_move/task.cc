#include "worlds/wheel_legged/wheel_legged_task.h"

namespace estuary::worlds::wheel_legged_move {

const Task& GetTask() {
  static const WheelLeggedTask& task = *new WheelLeggedTask(
      {.name = "wheel_legged_move",
       .observation_dim = 3,
       .action_dim = 1,
       .control_period = WheelLeggedRobot::kControlPeriod,
       .training_steps = 400,
       .evaluation_steps = 4000,
       .observation_names = {"pitch (rad)", "pitch_rate (rad/s)", "speed (m/s)"}},
      WheelLeggedGoal::kMove);
  return task;
}

}  // namespace estuary::worlds::wheel_legged_move
