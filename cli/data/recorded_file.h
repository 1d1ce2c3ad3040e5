// What was recorded as a dataset file: D4RL's layout, and under /infos who chose each action
// (`source`, a TransitionSource; `policy_version`; `episode`).
#pragma once

#include <string>

#include "absl/status/status.h"
#include "cli/data/recorded.h"
#include "worlds/dataset/columns.h"

namespace estuary::cli {

// The file appears whole or not at all.
absl::Status WriteRecordedFile(const std::string& path, const Recorded& recorded,
                               const worlds::DatasetOrigin& origin);

}  // namespace estuary::cli
