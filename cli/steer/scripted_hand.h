// The person whose model made the datasets (worlds/wheel_legged/controllers.h), at the real robot's
// own pace.
#pragma once

#include <memory>

#include "cli/steer/hand.h"

namespace estuary::cli {

// NOT_FOUND where nobody knows how a person drives the task's robot.
absl::StatusOr<std::unique_ptr<Hand>> MakeScriptedHand(const worlds::TaskSpec& task, uint64_t seed);

}  // namespace estuary::cli
