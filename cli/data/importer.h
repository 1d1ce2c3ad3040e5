// Puts a dataset file into table real of the shards: the i-th row goes to shard i mod S, exactly
// once however often the import is repeated or cut off, since the writers' names come from the
// file's content.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/transition/schema.h"
#include "estuary/v1/experiment.pb.h"

namespace estuary::cli {

struct ImportOptions {
  std::string path;
  // So many rows; they must have been checked (dataset::CheckRows).
  uint64_t rows = 0;
  // The first ones where absent; else whole episodes drawn by this seed (dataset::ChooseEpisodes).
  std::optional<uint64_t> episodes_seed = std::nullopt;
  std::vector<std::string> shards;
  // The table's own: columns beyond the standard ones are filled in (policy_action with the action,
  // the rest with zeros).
  transition::Schema schema;
};

// ImportOptions::episodes_seed as the experiment's dataset.choice has it.
std::optional<uint64_t> EpisodesSeed(const v1::Experiment& experiment);

// How many of a file's first rows must be checked before so many of them are imported: episodes may
// be drawn from anywhere.
inline uint64_t RowsToCheck(uint64_t in_file, uint64_t rows,
                            const std::optional<uint64_t>& episodes_seed) {
  return episodes_seed.has_value() ? in_file : rows;
}

// Read by others while the import goes on.
struct ImportProgress {
  std::atomic<uint64_t> rows_sent{0};
  // Set it to end the import with CANCELLED.
  std::atomic<bool> cancel{false};
};

// Returns once every row is acknowledged. Waits for a shard that is away; an error is final.
absl::Status ImportDataset(const ImportOptions& options, ImportProgress& progress);

// The schema of table real, the same on every shard. Errors name the shard that does not answer or
// differs.
absl::StatusOr<transition::Schema> RealTableSchema(const std::vector<std::string>& shards,
                                                   absl::Duration timeout);

}  // namespace estuary::cli
