// Appends one writer's rows to one table, exactly once, across reconnects and server restarts.
//
// Terms. A row's *sequence number* is the writer's own count of it; the server stores each number
// once. The *buffer* holds rows that were appended and not acknowledged yet: it is bounded, and
// what is in it survives a lost connection. An acknowledged row is as durable as the table
// promises.
//
// Precious rows (a robot's) wait for their shard for ever, and a shard that comes back with fewer
// rows than it acknowledged is an error (DATA_LOSS). Replaceable rows (a simulator's) move to the
// next shard in rendezvous order when theirs is away for longer than `move_after`; numbering goes
// on from what that shard holds, and rows that died with a shard are counted in Stats::lost. A row
// whose acknowledgement was lost together with its shard may then be in two shards.
//
// Threads: any one thread at a time may append; Flush, stats and the rest are for any thread. Two
// background threads send and receive.
//
// Errors that a retry cannot heal (schema mismatch, unknown table, a refused row, a full table or
// disk, another process with the same id) stop the writer: every later call returns the first one.
// What is still buffered then can be had by TakeUnacknowledged.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/transition/block.h"
#include "common/transition/schema.h"
#include "estuary/v1/transition.pb.h"

namespace estuary::client {

struct ReplayWriterOptions {
  std::vector<std::string> shards;
  std::string table;
  // Stable over restarts: "<run_id>/actor-3".
  std::string writer_id;
  transition::Schema schema;
  // Index of the shard to write to; absent: by rendezvous hashing of writer_id.
  std::optional<int> shard = {};
  // May move to another shard and be lost with one: simulated rows.
  bool replaceable = false;
  absl::Duration move_after = absl::Seconds(3);
  // While another shard stands in: how often to see whether the writer's own is back.
  absl::Duration look_home_every = absl::Seconds(10);
  // The number of the first row that will be appended. Absent: where the server says that this
  // writer stopped (a restarted actor). Given: rows that the server already holds are skipped (an
  // import that is repeated, a spool that is sent again).
  std::optional<uint64_t> first_sequence = {};
  // A bulk import: the samples-per-insert limiter does not count it.
  bool bulk = false;
  // Rows that may wait for their acknowledgement; Append waits beyond that.
  size_t buffer_rows = 1 << 16;
};

class ReplayWriter {
 public:
  // INVALID_ARGUMENT for options that cannot work. Connects in the background.
  static absl::StatusOr<std::unique_ptr<ReplayWriter>> Start(ReplayWriterOptions options);
  // Stops at once; rows that are not acknowledged are given up. Call Flush first.
  ~ReplayWriter();

  // Waits for the first welcome. Returns the sequence number of the first row to be appended (or of
  // the first that the server lacks, where first_sequence was given). DEADLINE_EXCEEDED names the
  // shard; CANCELLED on shutdown.
  absl::StatusOr<uint64_t> WaitUntilConnected(absl::Duration timeout);

  // Takes all of the builder's rows and leaves it empty, with memory of an earlier block, so that a
  // steady actor allocates nothing. Waits while the buffer is full: a limiter's back-pressure
  // arrives here (CANCELLED when the process shuts down meanwhile).
  absl::Status Append(transition::BlockBuilder& rows);
  absl::Status Append(v1::TransitionBlock block);

  // The same without waiting: false, and the rows stay the caller's, where the buffer is full.
  absl::StatusOr<bool> TryAppend(transition::BlockBuilder& rows);

  // Waits until everything appended so far is acknowledged. DEADLINE_EXCEEDED says how many rows
  // are not.
  absl::Status Flush(absl::Duration timeout);

  // Rows appended and not acknowledged, oldest first, with the sequence number of the first; stops
  // the writer. For a caller that keeps a spool.
  struct Unacknowledged {
    uint64_t first_sequence = 0;
    std::vector<v1::TransitionBlock> blocks;
  };
  Unacknowledged TakeUnacknowledged();

  struct Stats {
    // In the caller's numbering, which no restart of a server changes: the first number of this
    // writer plus rows appended, and plus rows acknowledged. 0 until connected, unless given.
    uint64_t next_sequence = 0;
    uint64_t acknowledged_sequence = 0;
    uint64_t buffered_rows = 0;
    // Acknowledged, and gone with a shard that came back older (replaceable rows only).
    uint64_t lost = 0;
    uint64_t connects = 0;
    // Index of the shard written to, and whether a stream to it is open now.
    int shard = 0;
    bool connected = false;
    // Time that Append spent waiting for room.
    absl::Duration waited;
  };
  Stats stats() const;

  // OK, or the error that stopped the writer.
  absl::Status status() const;

 private:
  class Impl;
  explicit ReplayWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace estuary::client
