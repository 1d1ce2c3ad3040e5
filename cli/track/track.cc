#include "cli/track/track.h"

#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/process/status.h"

namespace estuary::cli {

bool Track::IsGap(size_t point) const { return !std::isfinite(time[point]); }

void Track::Add(double seconds, absl::Span<const float> observation, float reward) {
  time.push_back(seconds);
  observations.insert(observations.end(), observation.begin(), observation.end());
  rewards.push_back(reward);
}

void Track::AddGap() {
  time.push_back(std::numeric_limits<double>::quiet_NaN());
  observations.insert(observations.end(), observation_dim, std::numeric_limits<float>::quiet_NaN());
  rewards.push_back(std::numeric_limits<float>::quiet_NaN());
}

absl::Status WriteTrack(const Track& track, const std::string& group, hdf5::File& file) {
  const uint64_t points = track.size();
  ESTUARY_RETURN_IF_ERROR(file.Write<double>(group + "/time", {points}, track.time));
  ESTUARY_RETURN_IF_ERROR(file.Write<float>(group + "/observations",
                                            {points, static_cast<uint64_t>(track.observation_dim)},
                                            track.observations));
  return file.Write<float>(group + "/rewards", {points}, track.rewards);
}

absl::StatusOr<Track> ReadTrack(const hdf5::File& file, const std::string& group) {
  Track track;
  ESTUARY_ASSIGN_OR_RETURN(auto time, file.Read<double>(group + "/time", {hdf5::kAnySize}));
  ESTUARY_ASSIGN_OR_RETURN(auto observations, file.Read<float>(group + "/observations",
                                                               {time.shape[0], hdf5::kAnySize}));
  if (file.Exists(group + "/rewards")) {
    ESTUARY_ASSIGN_OR_RETURN(auto rewards, file.Read<float>(group + "/rewards", time.shape));
    track.rewards = std::move(rewards.values);
  }
  track.observation_dim = static_cast<int>(observations.shape[1]);
  track.time = std::move(time.values);
  track.observations = std::move(observations.values);
  return track;
}

}  // namespace estuary::cli
