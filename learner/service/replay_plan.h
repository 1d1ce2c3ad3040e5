// Which tables the learner's device holds: all of them where they fit its budget. Real data comes
// first, being the smaller and the more precious; what does not fit is sampled by the shards.
#pragma once

#include <cstdint>

#include "estuary/v1/experiment.pb.h"
#include "learner/core/device.h"

namespace estuary::learner {

struct ReplayPlan {
  bool real_on_device = true;
  bool sim_on_device = true;
  // What the decision came from.
  uint64_t budget_bytes = 0;
  uint64_t real_bytes = 0;
  uint64_t sim_bytes = 0;
};

// A budget of 0 is unknown: then everything is held.
ReplayPlan PlanReplays(uint64_t budget_bytes, uint64_t real_bytes, uint64_t sim_bytes);

// Of an effective experiment whose transitions have these dimensions; a table that the algorithm
// does not use takes nothing. `free_bytes` of the device decide where the experiment names no
// budget.
ReplayPlan PlanReplays(const v1::Experiment& experiment, int observation_dim, int action_dim,
                       uint64_t free_bytes);

}  // namespace estuary::learner
