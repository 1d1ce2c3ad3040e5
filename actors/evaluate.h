// The role `evaluate`: runs the policy versions that the learner wants evaluated, on the real and
// on the simulated dynamics, and reports.
#pragma once

#include "absl/status/status.h"
#include "actors/setup.h"

namespace estuary::actor {

// Until the final version is reported, or a shutdown request.
absl::Status RunEvaluate(const ActorOptions& options);

}  // namespace estuary::actor
