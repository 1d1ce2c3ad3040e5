// What a table may be configured to be.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "common/transition/schema.h"
#include "estuary/v1/replay.pb.h"

namespace estuary::replay {

// INVALID_ARGUMENT names the table, the field, its value and what it may be.
absl::Status CheckTableConfig(const v1::TableConfig& config);
// And all of a shard's together: names are unique, there is at least one.
absl::Status CheckTableConfigs(const v1::TableConfigs& configs);

// Rows that the table holds at most: what capacity and capacity_bytes both allow.
uint64_t RowCapacity(const v1::TableConfig& config, const transition::Schema& schema);

// Bytes that the tables may come to hold, all together.
uint64_t BytesNeeded(const v1::TableConfigs& configs);

// What this process may use: the cgroup's limit or the machine's memory, whichever is less.
uint64_t MemoryOfMachine();

// RESOURCE_EXHAUSTED with the sums where the tables may grow beyond `limit` bytes.
absl::Status CheckMemory(const v1::TableConfigs& configs, uint64_t limit);

}  // namespace estuary::replay
