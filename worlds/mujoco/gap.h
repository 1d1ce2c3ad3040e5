// Applies an experiment's gap to a model: how the simulator is made to differ from reality.
#pragma once

#include <mujoco/mujoco.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "estuary/v1/experiment.pb.h"

namespace estuary::worlds {

// Standard deviation of the normal noise added to every action dimension at a step, after the clamp
// to
// [-1, 1]: the physics and the reward's control cost see the noisy action, the recorded one is
// clean.
struct ActionNoise {
  double constant = 0;
  // Times |x velocity| at the step's start, m/s (the model's first degree of freedom).
  double per_speed = 0;
};

// Edits the model in the gap's order and lets MuJoCo recompute what depends on it. INVALID_ARGUMENT
// or NOT_FOUND says which edit does not fit and what would.
absl::StatusOr<ActionNoise> ApplyGap(const v1::Gap& gap, mjModel& model);

}  // namespace estuary::worlds
