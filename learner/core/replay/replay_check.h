// What every engine asks of the replays that it is given.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "learner/core/engine.h"

namespace estuary::learner {

// OK for null. INVALID_ARGUMENT names the table and both sizes, or says that it is on another
// device than the engine.
inline absl::Status CheckReplayFits(const DeviceReplay* replay, const EngineOptions& options) {
  if (replay == nullptr) return absl::OkStatus();
  const ReplayOptions& r = replay->options();
  if (r.observation_dim != options.config.observation_dim ||
      r.action_dim != options.config.action_dim) {
    return absl::InvalidArgumentError(
        absl::StrCat("table '", r.name, "' holds observations of ", r.observation_dim,
                     " and actions of ", r.action_dim, ", the learner's task has ",
                     options.config.observation_dim, " and ", options.config.action_dim));
  }
  if (r.device != options.device) {
    return absl::InvalidArgumentError(
        absl::StrCat("table '", r.name, "' and the engine are on different devices"));
  }
  return absl::OkStatus();
}

}  // namespace estuary::learner
