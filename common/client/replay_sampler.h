// Batches drawn by the servers, uniformly from the union of all shards, for those who do not hold
// the data themselves.
//
// Each batch comes from one stream per shard: how many of its rows each shard gives is drawn from
// the multinomial whose weights are the rows the shards hold, as they last said, so the union is
// uniform also where shards are unequal. The server's batches are pools from which these rows are
// taken. A shard that is away is left out until it answers again.
//
// Threads: Next is for one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
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
  // One a row: the shard's index, the position in its log, and how many rows came after it.
  std::vector<int> shard;
  std::vector<uint64_t> cursor;
  std::vector<uint64_t> age;
};

class ReplaySampler {
 public:
  static absl::StatusOr<std::unique_ptr<ReplaySampler>> Start(ReplaySamplerOptions options);
  ~ReplaySampler();

  // `batch` is filled anew; its memory is used again. DEADLINE_EXCEEDED where the tables were empty
  // or the limiter held the batch back; any other error is final and names the shard.
  absl::Status Next(SampledBatch& batch, absl::Duration timeout);

 private:
  class Impl;
  explicit ReplaySampler(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace estuary::client
