// Follows a table's log on every shard: all rows from given cursors on, in each shard's order, then
// live. This is how a learner fills a replay of its own.
//
// Each shard has a thread that reads its stream into one bounded queue; while the queue is full
// nothing is read, so a follower that stalls holds a few blocks and the shards wait, nobody grows.
// A lost shard is tried again with backoff for ever, from where its rows ended; the others go on.
//
// A *cursor* is a position in one shard's log. Positions only grow; they may jump (a shard that
// restarted from a checkpoint leaves a gap), so use the cursors given here and no arithmetic.
//
// Threads: Next is for one thread at a time, the rest for any.
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

struct ReplayFollowerOptions {
  std::vector<std::string> shards;
  std::string table;
  // What the caller needs: a table with more columns after the standard ones is fine.
  transition::Schema schema;
  // Where to start, one a shard; empty: with everything that the shards hold.
  std::vector<uint64_t> cursors = {};
  // Where a follower of an earlier life stopped: rows received of each shard until then, and the
  // samples that each shard has counted; empty: none.
  std::vector<uint64_t> rows_before = {};
  std::vector<double> samples_before = {};
  // Rows in a block at most; 0: the server's choice (some 256 KiB).
  uint32_t max_rows = 0;
  // Received and not yet taken.
  size_t queue_bytes = 32 << 20;
};

struct FollowedBlock {
  int shard = 0;
  // Position of the first row, and of the row after the last.
  uint64_t cursor = 0;
  uint64_t end = 0;
  // Rows that the ring had evicted before they could be sent, just before this block.
  uint64_t lost = 0;
  // With this block everything was sent that the shard held at that moment.
  bool caught_up = false;
  v1::TransitionBlock block;
};

class ReplayFollower {
 public:
  static absl::StatusOr<std::unique_ptr<ReplayFollower>> Start(ReplayFollowerOptions options);
  ~ReplayFollower();

  // The next block of any shard, in order of arrival. DEADLINE_EXCEEDED where none came; any other
  // error (schema mismatch, unknown table) is final and names the shard.
  absl::StatusOr<FollowedBlock> Next(absl::Duration timeout);

  // Tells the shards that `samples` more rows were drawn of what was received; the
  // samples-per-insert limiter counts them. All that was ever told is kept in proportion to the
  // rows received from each shard, so that a shard whose writers have moved gets no more and the
  // one they moved to gets what its inserts need. Cheap; sent in the background. A shard that is
  // away gets none; where all are, it is kept.
  void ReportSamples(double samples);

  // Where each shard's rows end that Next has returned: start there to go on after a restart.
  std::vector<uint64_t> cursors() const;

  struct ShardStats {
    bool connected = false;
    // Rows that Next has returned, and lost.
    uint64_t rows = 0;
    uint64_t lost = 0;
    // Rows the shard had beyond what Next has returned, when it last said.
    uint64_t behind = 0;
    uint64_t connects = 0;
  };
  std::vector<ShardStats> stats() const;

 private:
  class Impl;
  explicit ReplayFollower(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace estuary::client
