// Evaluation: whole episodes of the deterministic policy, by the task's evaluation protocol.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "common/policy/policy.h"
#include "estuary/v1/learner.pb.h"
#include "worlds/world.h"

namespace estuary::actor {

// Runs `count` episodes in the worlds (all of the policy's task), as many at once as there are
// worlds. Episode i depends on `seed` and i alone, not on how many run beside it. An episode whose
// simulation diverges counts as terminated, with the figure "diverged" = 1. CANCELLED where `stop`
// says so.
absl::StatusOr<std::vector<v1::Episode>> RunEpisodes(
    const policy::Policy& policy, const std::vector<std::unique_ptr<worlds::World>>& worlds,
    int count, uint64_t seed, const std::function<bool()>& stop);

}  // namespace estuary::actor
