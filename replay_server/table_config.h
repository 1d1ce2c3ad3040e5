// What a table may be configured to be.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "common/transition/schema.h"
#include "estuary/v1/replay.pb.h"

namespace estuary::replay {

// INVALID_ARGUMENT names the table, the field, its value and what it may be.
absl::Status CheckTableConfig(const v1::TableConfig& config);
// And all of a shard's together: names are unique, there is at least one.
absl::Status CheckTableConfigs(const v1::TableConfigs& configs);

// What differs between two configurations of a table, "capacity 1000, now 200; limiter { ... }, now
// none"; empty where nothing does.
std::string Differences(const v1::TableConfig& was, const v1::TableConfig& is);

// Rows that the table holds at most: what capacity and capacity_bytes both allow.
uint64_t RowCapacity(const v1::TableConfig& config, const transition::Schema& schema);

// Bytes that the tables may come to need, all together.
uint64_t BytesNeeded(const v1::TableConfigs& configs);

// RESOURCE_EXHAUSTED with the sums where the tables may grow beyond `limit` bytes.
absl::Status CheckMemory(const v1::TableConfigs& configs, uint64_t limit);

}  // namespace estuary::replay
