// Datasets of recorded transitions: HDF5 files read a batch at a time, so that a file may be far
// larger than memory.
//
// Layouts, told apart by what a file holds:
//   D4RL    observations [N, obs], actions [N, act] in [-1, 1], rewards [N], next_observations
//           [N, obs], terminals [N] (the task ended at s'), timeouts [N] (the episode was cut at
//           s'); rows of one episode follow each other. timeouts may be missing: then nothing was
//           cut. next_observations may be missing: then the following row's observation is s', and
//           an episode's last row, whose s' the file does not say, is left out.
//   Minari  groups episode_0, episode_1, ... each with observations [T + 1, obs], actions, rewards,
//           terminations, truncations [T]. A path that is a folder is a Minari dataset.
//
// A *row* is one that can be used, counted from 0; a layout knows where in the file it stands.
//
// Threads: a Reader is used by one thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/transition/block.h"

namespace estuary::dataset {

class Layout;

struct Info {
  // "D4RL", "D4RL without next_observations", "Minari".
  std::string layout;
  uint64_t rows = 0;
  int observation_dim = 0;
  int action_dim = 0;
  bool has_timeouts = false;
  // Rows of the file that are left out because it does not say what followed them; of these, at the
  // end of the task.
  uint64_t left_out = 0;
  uint64_t left_out_terminal = 0;
};

// Rows [first, first + rows) as they stand in the file: nothing is checked yet.
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

  // Makes room for `count` rows of these dimensions, all zero flags.
  void Resize(uint64_t first_row, size_t count, int observations_of, int actions_of);
  // Keeps the first `count` rows.
  void Truncate(size_t count);
  // Row i of the batch, with source DATASET and the given episode number.
  transition::Row Row(size_t i, uint32_t episode) const;
  bool EndsEpisode(size_t i) const { return terminals[i] != 0 || timeouts[i] != 0; }
};

class Reader {
 public:
  // Checks that the arrays are there and fit each other. INVALID_ARGUMENT names the array and both
  // shapes. The file is read by a process of its own (isolated.h): one that breaks the HDF5 library
  // is DATA_LOSS, here or in Read. `patience` bounds each answer.
  static absl::StatusOr<Reader> Open(const std::string& path,
                                     absl::Duration patience = absl::Minutes(2));
  Reader(Reader&&) noexcept;
  Reader& operator=(Reader&&) noexcept;
  ~Reader();

  // The HDF5 file, also where Open was given a folder.
  const std::string& path() const { return path_; }
  const Info& info() const { return info_; }
  // So many at a time keep a batch's memory small, whatever the file says of its rows' width.
  size_t rows_at_once() const;

  // OK where the dimensions are the task's; INVALID_ARGUMENT names both.
  absl::Status CheckFits(const std::string& task, int observation_dim, int action_dim) const;

  // Reuses the batch's memory.
  absl::Status Read(uint64_t first, size_t count, Batch& batch) const;
  // "row 12", "row 12 (episode_3, step 4)": where a person finds it in the file.
  std::string Where(uint64_t row) const;

 private:
  Reader(std::string path, std::unique_ptr<Layout> layout, Info info);

  std::string path_;
  std::unique_ptr<Layout> layout_;
  Info info_;
};

// The first row that no learner should see and why: a number that is not finite, an action outside
// [-1, 1], a flag that is neither 0 nor 1.
struct BadRow {
  uint64_t row = 0;
  std::string why;
};
// Looks from row `from` of the batch on.
std::optional<BadRow> FindBadRow(const Batch& batch, size_t from = 0);

// Told now and then how many rows are done.
using Progress = std::function<void(uint64_t rows)>;

// Reads the first `rows` rows and refuses the first bad one.
absl::Status CheckRows(const Reader& reader, uint64_t rows, const Progress& progress = nullptr);

// Hex SHA-256 of a dataset's bytes; names it whatever it is called.
absl::StatusOr<std::string> Fingerprint(const std::string& path);

// The HDF5 file that `path` means: itself, or a Minari folder's data/main_data.hdf5.
std::string DataFile(const std::string& path);

}  // namespace estuary::dataset
