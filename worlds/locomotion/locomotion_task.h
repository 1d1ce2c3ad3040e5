// Running forward in the plane, as gymnasium's HalfCheetah-v5 and Walker2d-v5 with their default
// arguments: the reward is the mean speed of a step, plus one while healthy where a task says what
// that is, less a cost of the controls; the observation is every position but x, and every
// velocity.
//
// The first three degrees of freedom of the model are x, z and the torso's angle.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "worlds/task.h"

namespace estuary::worlds {

struct LocomotionRules {
  // The model, in worlds/.
  std::string mjcf_path;
  // MuJoCo steps a control period.
  int frame_skip;
  double control_cost;
  // Every position at reset is off by a uniform number up to it.
  double reset_position_noise;
  // Every velocity at reset: normal of this deviation, or uniform up to it.
  double reset_velocity_noise;
  bool reset_velocity_is_normal;
  // Velocities are seen clipped to it.
  std::optional<double> velocity_clip = std::nullopt;

  // Open intervals; outside them the episode ends.
  struct Health {
    double min_z, max_z;
    double min_angle, max_angle;
    double reward;
  };
  std::optional<Health> health = std::nullopt;
};

class LocomotionTask : public Task {
 public:
  LocomotionTask(TaskSpec spec, LocomotionRules rules)
      : spec_(std::move(spec)), rules_(std::move(rules)) {}

  const TaskSpec& spec() const override { return spec_; }
  absl::StatusOr<std::vector<std::unique_ptr<World>>> MakeWorlds(const WorldOptions& options,
                                                                 int count) const override;

 private:
  const TaskSpec spec_;
  const LocomotionRules rules_;
};

}  // namespace estuary::worlds
