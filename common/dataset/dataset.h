// Datasets of recorded transitions: HDF5 files in D4RL's layout, read a batch at a time, so that a
// file may be far larger than memory.
//
// Layout: observations [N, obs], actions [N, act] in [-1, 1], rewards [N], next_observations
// [N, obs], terminals [N] (the task ended at s'), timeouts [N] (the episode was cut at s'); rows of
// one episode follow each other. timeouts may be missing: then nothing was cut.
//
// Threads: a Reader is used by one thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/hdf5/file.h"
#include "common/transition/block.h"

namespace estuary::dataset {

struct Info {
  uint64_t rows = 0;
  int observation_dim = 0;
  int action_dim = 0;
  bool has_timeouts = false;
};

// Rows [first, first + rows) of a file, as they stand in it: nothing is checked yet.
struct Batch {
  uint64_t first = 0;
  size_t rows = 0;
  int observation_dim = 0;
  int action_dim = 0;
  std::vector<float> observations;
  std::vector<float> actions;
  std::vector<float> rewards;
  std::vector<float> next_observations;
  std::vector<uint8_t> terminals;
  std::vector<uint8_t> timeouts;

  // Row i of the batch, with source DATASET and the given episode number.
  transition::Row Row(size_t i, uint32_t episode) const;
  bool EndsEpisode(size_t i) const { return terminals[i] != 0 || timeouts[i] != 0; }
};

class Reader {
 public:
  // Checks that the arrays are there and fit each other. INVALID_ARGUMENT names the array and both
  // shapes.
  static absl::StatusOr<Reader> Open(const std::string& path);

  const std::string& path() const { return file_.path(); }
  const Info& info() const { return info_; }

  // OK where the dimensions are the task's; INVALID_ARGUMENT names both.
  absl::Status CheckFits(const std::string& task, int observation_dim, int action_dim) const;

  // Reuses the batch's memory.
  absl::Status Read(uint64_t first, size_t count, Batch& batch) const;

 private:
  Reader(hdf5::File file, Info info) : file_(std::move(file)), info_(info) {}

  hdf5::File file_;
  Info info_;
};

// The first row that no learner should see and why: a number that is not finite, an action outside
// [-1, 1], a flag that is neither 0 nor 1. Rows are numbered as in the file.
struct BadRow {
  uint64_t row = 0;
  std::string why;
};
// Looks from row `from` of the batch on.
std::optional<BadRow> FindBadRow(const Batch& batch, size_t from = 0);

// Reads the first `rows` rows and refuses the first bad one.
absl::Status CheckRows(const Reader& reader, uint64_t rows);

// Hex SHA-256 of a file's bytes; names a dataset whatever it is called.
absl::StatusOr<std::string> Fingerprint(const std::string& path);

}  // namespace estuary::dataset
