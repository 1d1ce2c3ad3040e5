// Group commit: the thread between a durable table's writers and its disk.
//
// Writers queue blocks, whose rows are reserved in the table; the thread takes all there are,
// writes and syncs them at once, then publishes the rows (so nothing is seen that a crash could
// take back) and wakes the writers, who acknowledge. While the disk works the next batch gathers.
//
// The queue is bounded in bytes: beyond that Append takes nothing and the writer waits. When the
// disk fails (full), everything queued is dropped and its writers get the error; rows acknowledged
// before are safe, and the next append is tried anew.
//
// Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "replay_server/commit_metrics.h"
#include "replay_server/segment_log.h"
#include "replay_server/table.h"

namespace estuary::replay {

class Committer {
 public:
  static constexpr size_t kQueueBytes = 32 << 20;

  // Table and metrics must outlive it.
  Committer(Table& table, std::unique_ptr<SegmentLog> log, process::Metrics& metrics);
  // Commits what is queued, then stops.
  ~Committer();

  struct Appended {
    // Rows done with: queued now, or known already.
    uint32_t rows = 0;
    // Fewer than offered because the queue is full; else because of the limiter.
    bool disk_is_behind = false;
  };
  // Rows of a checked block from `first` on, which has the sequence number given. May take the
  // block's memory when all its rows are done. The listener is woken when more may be tried, and
  // when rows were stored.
  absl::StatusOr<Appended> Append(const WriterSession& session, uint64_t first_sequence,
                                  v1::TransitionBlock& block, uint32_t first, bool bulk,
                                  const ListenerPtr& listener,
                                  absl::Span<const float> priorities = {});

  // Why rows of this session were dropped; OK where none were.
  absl::Status ErrorOf(const WriterSession& session) const;

  uint64_t commits() const;

 private:
  struct Pending {
    WriterSession session;
    bool bulk = false;
    absl::Time came;
    v1::StorageRecord record;
  };

  void Run();
  absl::Status Commit(std::vector<Pending>& batch);
  void SealMark();
  void Fail(const std::vector<Pending>& batch, const absl::Status& status);
  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || !queue_.empty();
  }

  Table& table_;
  // The thread's own.
  const std::unique_ptr<SegmentLog> log_;
  CommitMetrics metrics_;

  // Before the table's lock.
  mutable absl::Mutex mutex_;
  std::vector<Pending> queue_ ABSL_GUARDED_BY(mutex_);
  // Of what is queued, and of what is being written.
  size_t queued_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  struct Failure {
    uint64_t session = 0;
    absl::Status status;
  };
  std::unordered_map<const Writer*, Failure> failures_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t commits_ ABSL_GUARDED_BY(mutex_) = 0;
  ListenerList waiting_;

  std::thread thread_;
};

}  // namespace estuary::replay
