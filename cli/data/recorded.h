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

// What the shards hold now, in StreamRealTable's order. `timeout` bounds the wait for a next block.
absl::StatusOr<Recorded> ReadRealTable(const std::vector<std::string>& shards,
                                       const transition::Schema& schema, absl::Duration timeout);

}  // namespace estuary::cli
