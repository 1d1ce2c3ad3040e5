// One episode of a policy in reality, kept to be looked at: its track and how it ended.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/track/track.h"

namespace estuary::cli {

struct RecordedEpisode {
  Track track = {};
  double seconds = 0;
  // "whole", "fell", "left the area"; of a drive what DriveEndName says.
  std::string end = "";
};

// An HDF5 file that appears whole or not at all.
absl::Status WriteRecordedEpisode(const RecordedEpisode& episode, const std::string& path);
absl::StatusOr<RecordedEpisode> ReadRecordedEpisode(const std::string& path);

}  // namespace estuary::cli
