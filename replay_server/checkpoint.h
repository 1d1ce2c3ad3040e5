// Checkpoints of tables in memory: one file a table and time, whole or not there.
//
// A checkpoint is written while inserts go on: the table's state is taken at one moment, its rows
// are copied piece by piece behind it. It is written beside, synced, and renamed; the one before is
// kept, and used where the newest turns out damaged.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "replay_server/table.h"

namespace estuary::replay {

struct CheckpointInfo {
  std::string path;
  uint64_t rows = 0;
};

// Writes a checkpoint of the table into `folder` and removes all but this and the one before.
absl::StatusOr<CheckpointInfo> WriteCheckpoint(const Table& table, const std::string& folder,
                                               const std::string& shard_id);

// Fills a new table from the newest good checkpoint in `folder`; rows is 0 and path empty where
// there is none. A damaged one is named in the log and passed over; where checkpoints are there and
// none is good: DATA_LOSS.
absl::StatusOr<CheckpointInfo> ReadCheckpoint(Table& table, const std::string& folder,
                                              const std::string& shard_id);

}  // namespace estuary::replay
