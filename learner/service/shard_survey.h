// What the replay shards hold, asked before the learner follows them: so that a wrong address, a
// missing table or a schema that differs is one clear error at the start.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/transition/schema.h"
#include "estuary/v1/replay.pb.h"

namespace estuary::learner {

// One shard's part of a table.
struct ShardHolding {
  std::string shard_id;
  uint64_t rows = 0;
  uint64_t next_cursor = 0;
  double sampled = 0;
};

// Asks until every shard has answered. UNAVAILABLE names the first that did not within `timeout`;
// CANCELLED on shutdown.
absl::StatusOr<std::vector<v1::DescribeResponse>> AskShards(const std::vector<std::string>& shards,
                                                            absl::Duration timeout);

// The schema that all of `tables` have on all shards, standard columns alone. NOT_FOUND names a
// shard without a table; FAILED_PRECONDITION prints two schemas that differ, or the task that is
// not the experiment's.
absl::StatusOr<transition::Schema> CommonSchema(const std::vector<std::string>& shards,
                                                const std::vector<v1::DescribeResponse>& answers,
                                                const std::vector<std::string>& tables,
                                                const std::string& task);

// The table's part on each shard, in the shard map's order.
std::vector<ShardHolding> Holdings(const std::vector<v1::DescribeResponse>& answers,
                                   const std::string& table);

uint64_t TotalRows(const std::vector<ShardHolding>& holdings);

}  // namespace estuary::learner
