// Batches drawn by the servers from the union of all shards, for those who do not hold the data
// themselves.
//
// Each batch comes from one stream per shard: how many of its rows each shard gives is drawn from
// the multinomial whose weights are what the shards weigh (their rows, or the sum of their rows'
// priorities to the table's exponent), as they last said; so the union is drawn as one table would
// be, also where shards are unequal. The server's batches are pools from which these rows are
// taken. A shard that is away is left out until it answers again.
//
// Where rows go by being sampled (max_times_sampled) every row that a shard gives is used: each
// batch takes from the pools at random, without regard to what the shards hold.
//
// Threads: Next is for one thread at a time, UpdatePriorities for any.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/transition/schema.h"
#include "estuary/v1/transition.pb.h"

namespace estuary::client {

struct ReplaySamplerOptions {
  std::vector<std::string> shards;
  std::string table;
  transition::Schema schema;
  uint32_t batch_size = 256;
  // Batches requested ahead, a shard.
  uint32_t credits = 8;
  uint64_t seed = 1;
};

struct SampledBatch {
  v1::TransitionBlock block;
  // One a row: the shard's index, the position in its log, its age in rows (1: the newest), and the
  // probability with which a draw from the union of the shards was this row.
  std::vector<int> shard;
  std::vector<uint64_t> cursor;
  std::vector<uint64_t> age;
  std::vector<double> probability;
};

class ReplaySampler {
 public:
  static absl::StatusOr<std::unique_ptr<ReplaySampler>> Start(ReplaySamplerOptions options);
  ~ReplaySampler();

  // `batch` is filled anew; its memory is used again. DEADLINE_EXCEEDED where the tables were empty
  // or the limiter held the batch back; any other error is final and names the shard.
  absl::Status Next(SampledBatch& batch, absl::Duration timeout);

  // Gives the batch's rows other priorities, one a row, at the shards they came from. Rows that are
  // gone are passed over, and so are those of a shard that does not answer within the timeout:
  // UNAVAILABLE or DEADLINE_EXCEEDED then names it, and the other shards have theirs.
  absl::Status UpdatePriorities(const SampledBatch& batch, absl::Span<const float> priorities,
                                absl::Duration timeout);

 private:
  class Impl;
  explicit ReplaySampler(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace estuary::client
