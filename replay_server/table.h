// One table: rows in a ring, the log's positions, who wrote what, and the limiter, behind one lock.
//
// Appending has two steps, so that a durable table can put the disk between them: Reserve decides
// which of a block's rows are new and may come in now, and counts them; Publish stores them, from
// then on they are seen, sampled, acknowledged. Append does both at once, for tables in memory.
// Whoever finds no room or nothing to read leaves a Listener, which is woken once.
//
// Thread-safe. Reading shares the lock; appending takes it for a memcpy of one block.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "common/transition/schema.h"
#include "estuary/v1/replay.pb.h"
#include "estuary/v1/replay_storage.pb.h"
#include "replay_server/column_store.h"
#include "replay_server/limiter.h"
#include "replay_server/listener.h"
#include "replay_server/log_positions.h"
#include "replay_server/selectors/selector.h"
#include "replay_server/table_traffic.h"
#include "replay_server/writer_registry.h"

namespace estuary::replay {

using ListenerPtr = std::shared_ptr<Listener>;

class Table {
 public:
  static absl::StatusOr<std::unique_ptr<Table>> Create(const v1::TableConfig& config);

  const v1::TableConfig& config() const { return config_; }
  const transition::Schema& schema() const { return schema_; }
  const std::string& name() const { return config_.name(); }
  bool durable() const { return config_.durability() == v1::DURABILITY_DISK; }

  // --- Writers ---
  absl::StatusOr<WriterSession> OpenWriter(const std::string& writer_id);
  // Sequence number up to which the writer's rows are stored, and whether that is all that was
  // accepted; where it is not and `listener` is given, it is woken when more is.
  struct WriterState {
    uint64_t stored = 0;
    bool settled = true;
  };
  WriterState StateOf(const WriterSession& session, const ListenerPtr& listener) const;

  struct Reservation {
    // Of the rows offered: held already, and taken after those. What is left waits for the limiter;
    // the listener is then woken when it may be tried again.
    uint32_t duplicates = 0;
    uint32_t taken = 0;
  };
  // Errors as WriterRegistry::Duplicates, and RESOURCE_EXHAUSTED for a full table that never lets
  // go of rows.
  absl::StatusOr<Reservation> Reserve(const WriterSession& session, uint64_t first_sequence,
                                      uint32_t rows, bool bulk, const ListenerPtr& listener);
  // Rows [first, first + rows) of a checked block, which were reserved and are the writer's next.
  // `priorities` here and below: none, or one for each of the block's rows.
  void Publish(const WriterSession& session, const v1::TransitionBlock& block, uint32_t first,
               uint32_t rows, bool bulk, absl::Span<const float> priorities = {});
  // Everything reserved and not published is forgotten. Wakes nobody.
  void Rollback();
  // Reserve and Publish of a block's rows from `first` on, which has the sequence number given.
  absl::StatusOr<Reservation> Append(const WriterSession& session, uint64_t first_sequence,
                                     const v1::TransitionBlock& block, uint32_t first, bool bulk,
                                     const ListenerPtr& listener,
                                     absl::Span<const float> priorities = {});
  // INVALID_ARGUMENT for priorities that this table does not want, or of which one is no priority.
  absl::Status CheckPriorities(absl::Span<const float> priorities, uint32_t rows) const;
  // Wakes writers who wait for room or for their rows to be stored.
  void WakeWriters() { writers_waiting_.WakeAll(); }

  // --- Readers ---
  struct LogRead {
    // Position of the first row given; rows evicted between the cursor asked for and it.
    uint64_t cursor = 0;
    uint64_t lost = 0;
    // How many rows came before the first, ever.
    uint64_t row = 0;
    uint32_t rows = 0;
    // Rows behind these.
    uint64_t left = 0;
  };
  // Gives `read` the slots of at most max_rows rows from `cursor` on, in one run; where there are
  // none, `read` is not called and the listener (may be null) is woken when there are. OUT_OF_RANGE
  // for a cursor beyond the log's end.
  absl::StatusOr<LogRead> Read(
      uint64_t cursor, uint32_t max_rows,
      absl::FunctionRef<void(const ColumnStore& store, uint64_t slot, const LogRead& what)> read,
      const ListenerPtr& listener) const;

  // Whoever samples keeps one, so that drawing allocates nothing.
  struct Draw {
    explicit Draw(uint64_t seed) : random(seed) {}
    std::mt19937_64 random;
    DrawnRows drawn;
    std::vector<uint64_t> slots;
    std::vector<uint64_t> cursors;
    // As SampleResponse.age.
    std::vector<uint64_t> ages;
    // Of the moment of drawing.
    uint64_t table_rows = 0;
    uint64_t next_cursor = 0;
    double weight = 0;
  };
  // Draws at most max_rows rows, whole batches of `batch` only (any number where rows go by being
  // sampled), gives them to `write` and says how many they are: none where too few can be drawn or
  // the limiter holds the next one back; the listener is then woken.
  uint32_t Sample(uint32_t batch, uint32_t max_rows, Draw& draw,
                  absl::FunctionRef<void(const ColumnStore& store, const Draw& draw)> write,
                  const ListenerPtr& listener);
  struct Updated {
    uint64_t updated = 0;
    uint64_t gone = 0;
  };
  // As many priorities as cursors. FAILED_PRECONDITION where the table does not draw by them.
  absl::StatusOr<Updated> UpdatePriorities(absl::Span<const uint64_t> cursors,
                                           absl::Span<const float> priorities);
  absl::Status CheckBatch(uint32_t rows) const;
  // Position that the next row will have.
  uint64_t next_cursor() const;
  // A follower drew these of what it holds.
  void CountSamples(double samples);

  // --- Recovery, before anybody else knows the table ---
  // Everything but rows, which will begin at `cursor`. The table's own configuration stays;
  // FAILED_PRECONDITION for another schema.
  absl::Status Restore(const v1::TableState& state, uint64_t cursor);
  // A later state of the same log, whose rows up to there are restored: what rows do not tell.
  void RestoreLater(const v1::TableState& state);
  // Says in the log how the configuration differs from the stored one, and lets no counts of the
  // past block the table for ever.
  void FinishRestore();
  // Rows with positions at or behind the log's end; FAILED_PRECONDITION where a table that never
  // evicts has no room. With `replay`, the writer's sequence and the counters move too.
  absl::Status RestoreBlock(const v1::StoredBlock& block, bool replay);
  // The next row's position will be at least this.
  void JumpTo(uint64_t cursor);
  // What a checkpoint needs to know, all of one moment, and where the log began and ended then.
  struct Snapshot {
    v1::TableState state;
    uint64_t first_cursor = 0;
    uint64_t next_cursor = 0;
  };
  Snapshot TakeSnapshot() const;
  // As Read, with what a checkpoint keeps of the rows beside them. No cursor is set.
  absl::StatusOr<LogRead> ReadToStore(uint64_t cursor, uint32_t max_rows,
                                      v1::StoredBlock& block) const;

  // --- Observing ---
  v1::TableStatus Status() const;
  void CountRejected(uint64_t rows);
  TableTraffic& traffic() { return traffic_; }
  // Who waits for whom now, in words; empty where nobody does for longer than `at_least`.
  std::string Waiting(absl::Duration at_least) const;

 private:
  Table(v1::TableConfig config, transition::Schema schema, ColumnStore store,
        std::unique_ptr<Selector> selector);

  absl::StatusOr<Reservation> ReserveLocked(const WriterSession& session, uint64_t first_sequence,
                                            uint32_t rows, bool bulk, const ListenerPtr& listener)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PublishLocked(const WriterSession& session, const v1::TransitionBlock& block, uint32_t first,
                     uint32_t rows, bool bulk, absl::Span<const float> priorities)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakeConfigOf(const v1::TableState& state) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // What a Read gives.
  absl::StatusOr<LogRead> Locate(uint64_t cursor, uint32_t max_rows) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  void StoreRows(const v1::TransitionBlock& block, uint32_t first, uint32_t rows,
                 absl::Span<const float> priorities) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Rows go by being sampled.
  bool consumed() const { return config_.max_times_sampled() > 0; }
  HeldRows held() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return {.first = positions_.first_row(), .next = positions_.next_row()};
  }
  // How many of max_rows rows may be drawn now; counts them.
  uint32_t AdmitSamples(uint32_t batch, uint32_t max_rows) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DrawRows(uint32_t rows, Draw& draw) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  // Rows of the log that the follower furthest behind has not been sent.
  uint64_t FollowerLag() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  // True where rows that are used up made room.
  bool EvictUsedUp() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const v1::TableConfig config_;
  const transition::Schema schema_;
  const uint64_t capacity_;

  // Before the lists' own locks.
  mutable absl::Mutex mutex_;
  ColumnStore store_ ABSL_GUARDED_BY(mutex_);
  const std::unique_ptr<Selector> selector_ ABSL_PT_GUARDED_BY(mutex_);
  LogPositions positions_ ABSL_GUARDED_BY(mutex_);
  WriterRegistry writers_ ABSL_GUARDED_BY(mutex_);
  Limiter limiter_ ABSL_GUARDED_BY(mutex_);
  // Reserved and not published; of these, counted by the limiter.
  uint64_t reserved_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t reserved_limited_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t inserted_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t inserted_in_bulk_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t duplicates_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t rejected_ ABSL_GUARDED_BY(mutex_) = 0;
  // While restoring: how the newest state's configuration differs from this table's.
  std::string stored_difference_ ABSL_GUARDED_BY(mutex_);
  bool stored_limiter_differs_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Time newest_row_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();

  mutable ListenerList writers_waiting_;
  mutable ListenerList readers_waiting_;
  TableTraffic traffic_;
};

}  // namespace estuary::replay
