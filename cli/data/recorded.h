// Everything that table real holds, as rows in memory: for what a drive did.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/transition/schema.h"
#include "worlds/dataset/columns.h"

namespace estuary::cli {

struct Recorded {
  worlds::DatasetColumns columns;
  // One a row.
  std::vector<uint8_t> source;
  std::vector<uint32_t> policy_version;
  std::vector<uint32_t> episode;
};

// What the shards hold now, in StreamRealTable's order. Behind what was imported, a row that the
// next one does not go on from is a timeout, whatever its own flag says: a bridge that was killed
// could not mark its last row. `timeout` bounds the wait for a next block.
absl::StatusOr<Recorded> ReadRealTable(const std::vector<std::string>& shards,
                                       const transition::Schema& schema, absl::Duration timeout);

// Of each row from `first` on: a timeout where it is no terminal and the next row (or none) does
// not go on from it.
void MarkCuts(size_t first, Recorded& recorded);

// The first `rows` of them, the last one a timeout where it is no terminal.
void KeepFirst(size_t rows, Recorded& recorded);

}  // namespace estuary::cli
