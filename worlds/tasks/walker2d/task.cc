#include "worlds/locomotion/locomotion_task.h"

namespace estuary::worlds::walker2d {

const Task& GetTask() {
  static const LocomotionTask& task = *new LocomotionTask(
      {.name = "walker2d",
       .observation_dim = 17,
       .action_dim = 6,
       .control_period = .008,
       .training_steps = 1000,
       .evaluation_steps = 1000,
       .observation_names = {"z (m)", "angle (rad)", "right_thigh (rad)", "right_leg (rad)",
                             "right_foot (rad)", "left_thigh (rad)", "left_leg (rad)",
                             "left_foot (rad)", "x_velocity (m/s)", "z_velocity (m/s)",
                             "angle_rate (rad/s)", "right_thigh_rate (rad/s)",
                             "right_leg_rate (rad/s)", "right_foot_rate (rad/s)",
                             "left_thigh_rate (rad/s)", "left_leg_rate (rad/s)",
                             "left_foot_rate (rad/s)"}},
      {.mjcf_path = "tasks/walker2d/walker2d.xml",
       .frame_skip = 4,
       .control_cost = 1e-3,
       .reset_position_noise = 5e-3,
       .reset_velocity_noise = 5e-3,
       .reset_velocity_is_normal = false,
       .velocity_clip = 10,
       .health = LocomotionRules::Health{
           .min_z = .8, .max_z = 2, .min_angle = -1, .max_angle = 1, .reward = 1}});
  return task;
}

}  // namespace estuary::worlds::walker2d
