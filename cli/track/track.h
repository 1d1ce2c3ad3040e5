// What a robot went through while a policy had it, step by step: of a drive, as the bridge recorded
// it, or of an episode on the emulated robot's dynamics. Reports draw curves and film strips of it.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/hdf5/file.h"

namespace estuary::cli {

struct Track {
  int observation_dim = 0;
  // Seconds since the policy's first action, [points]. NaN is a gap in the recording; then that
  // point's observation and reward are NaN, too.
  std::vector<double> time = {};
  // [points, observation_dim].
  std::vector<float> observations = {};
  // Of the action taken at that moment, [points]; empty in files that were written before rewards
  // were kept.
  std::vector<float> rewards = {};

  size_t size() const { return time.size(); }
  bool IsGap(size_t point) const;
  float Observation(size_t point, int dimension) const {
    return observations[point * observation_dim + dimension];
  }

  void Add(double seconds, absl::Span<const float> observation, float reward);
  void AddGap();
};

// GROUP/time, GROUP/observations and GROUP/rewards, for a group that is not there yet.
absl::Status WriteTrack(const Track& track, const std::string& group, hdf5::File& file);
// INVALID_ARGUMENT names arrays that do not fit each other.
absl::StatusOr<Track> ReadTrack(const hdf5::File& file, const std::string& group);

}  // namespace estuary::cli
