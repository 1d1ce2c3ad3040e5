#include "worlds/locomotion/locomotion_task.h"

namespace estuary::worlds::half_cheetah {

const Task& GetTask() {
  static const LocomotionTask& task = *new LocomotionTask(
      {.name = "half_cheetah",
       .observation_dim = 17,
       .action_dim = 6,
       .control_period = .05,
       .training_steps = 1000,
       .evaluation_steps = 1000,
       .observation_names = {"z (m)", "angle (rad)", "back_thigh (rad)", "back_shin (rad)",
                             "back_foot (rad)", "front_thigh (rad)", "front_shin (rad)",
                             "front_foot (rad)", "x_velocity (m/s)", "z_velocity (m/s)",
                             "angle_rate (rad/s)", "back_thigh_rate (rad/s)",
                             "back_shin_rate (rad/s)", "back_foot_rate (rad/s)",
                             "front_thigh_rate (rad/s)", "front_shin_rate (rad/s)",
                             "front_foot_rate (rad/s)"}},
      {.mjcf_path = "tasks/half_cheetah/half_cheetah.xml",
       .frame_skip = 5,
       .control_cost = .1,
       .reset_position_noise = .1,
       .reset_velocity_noise = .1,
       .reset_velocity_is_normal = true});
  return task;
}

}  // namespace estuary::worlds::half_cheetah
