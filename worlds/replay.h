// Replays recorded actions from a recorded state, for comparison with another implementation of the
// same task.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace estuary::worlds {

// Reads /qpos [nq], /qvel [nv] and /action [T, action_dim] from `input`; writes /observation
// [T+1, observation_dim], /reward [T] (float64) and /terminal [T] (uint8) to `output`. Real
// dynamics; goes on stepping after a terminal. INVALID_ARGUMENT names what does not fit the task.
absl::Status ReplayTask(const std::string& task, const std::string& input,
                        const std::string& output);

}  // namespace estuary::worlds
