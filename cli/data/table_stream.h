// Reads everything that table real holds now, row by row, in an order of its own, in little memory.
//
// Imported rows come first, in their file's order (an import dealt them out to the shards one by
// one, so they are taken from the shards in turn); then every shard's other rows in the order of
// its log. Where a table holds both kinds, its log is read twice.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/transition/schema.h"
#include "estuary/v1/transition.pb.h"

namespace estuary::cli {

struct TableStreamOptions {
  std::vector<std::string> shards;
  transition::Schema schema;
  // Bounds the wait for an answer and for a next block.
  absl::Duration timeout = absl::Seconds(30);
  // Received and not yet taken, of one shard.
  size_t queue_bytes = 4 << 20;
};

// Read by others while rows come.
struct TableStreamProgress {
  std::atomic<uint64_t> rows{0};
  std::atomic<uint64_t> total{0};
};

// Calls `take` with a block and the index of a row in it, for every row. Ends at the first error,
// `take`'s included. Rows that are appended meanwhile are not waited for.
absl::Status StreamRealTable(
    const TableStreamOptions& options, TableStreamProgress& progress,
    absl::FunctionRef<absl::Status(const v1::TransitionBlock& block, size_t row)> take);

}  // namespace estuary::cli
