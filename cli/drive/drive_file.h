// The file of a drive: the transitions in D4RL's layout, like any dataset, with /infos/source and
// /infos/policy_version beside them, the curves in /drive, and what came of it as attributes.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "cli/data/recorded.h"
#include "cli/drive/drive_data.h"

namespace estuary::cli {

// Appears whole or not at all.
absl::Status WriteDriveFile(const std::string& path, const std::string& task,
                            const Recorded& recorded, const DriveData& drive);

absl::StatusOr<DriveData> ReadDriveFile(const std::string& path);

}  // namespace estuary::cli
