// Transitions in columns, in the order they happened, and their file in D4RL's layout.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace estuary::worlds {

// Row i is (observation, action, reward, next_observation), in C order. `terminal`: the task ended
// there (no bootstrapping). `timeout`: the episode was cut there. After either, the next row begins
// an episode.
struct DatasetColumns {
  int observation_dim = 0;
  int action_dim = 0;
  std::vector<float> observation;
  std::vector<float> action;
  std::vector<float> reward;
  std::vector<float> next_observation;
  std::vector<uint8_t> terminal;
  std::vector<uint8_t> timeout;

  uint64_t size() const { return reward.size(); }
};

// Where a file's data come from; kept as its attributes.
struct DatasetOrigin {
  std::string task;
  uint64_t seed = 0;
  // "operator".
  std::string generator;
};

// HDF5 with /observations [n, obs], /actions [n, act], /rewards [n], /next_observations, float32,
// and /terminals, /timeouts [n], as h5py's booleans read. The file appears whole or not at all.
absl::Status WriteD4rl(const std::string& path, const DatasetColumns& columns,
                       const DatasetOrigin& origin);
// INVALID_ARGUMENT names columns that do not fit each other. /timeouts may be missing: then none.
absl::StatusOr<DatasetColumns> ReadD4rl(const std::string& path);

}  // namespace estuary::worlds
