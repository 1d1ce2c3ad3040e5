// The role `rollout`: simulated transitions into the replay's table `sim`, by the learner's newest
// policy.
#pragma once

#include "absl/status/status.h"
#include "actors/setup.h"

namespace estuary::actor {

// Until the learner's final policy, or a shutdown request. A learner that goes away is waited for
// while stepping goes on.
absl::Status RunRollout(const ActorOptions& options);

}  // namespace estuary::actor
