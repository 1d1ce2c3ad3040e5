// A robot's transitions on disk, until the replay has acknowledged them: what makes them survive a
// kill, a power cut, and hours without a network.
//
// A row's *position* counts rows of this spool for ever; the writer's sequence number at the replay
// is position + *origin*, and origin is found at the first contact and kept in a file. Rows may be
// sent only once they are durable (below `synced`), so that no number is ever given to two rows.
//
// The spool is bounded: a full one refuses new rows (what is there is older, and owed), which its
// owner counts and says; `used`, `room` and `oldest_seconds` tell long before.
//
// Threads: one appends and syncs, one reads and acknowledges; the rest is for any.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "common/transition/block.h"
#include "common/transition/schema.h"
#include "robot_bridge/spool/segment.h"

namespace estuary::bridge {

class Spool {
 public:
  struct Options {
    std::string directory;
    // Bytes on disk at most.
    uint64_t limit_bytes = uint64_t{1} << 30;
    uint64_t segment_bytes = uint64_t{4} << 20;
  };

  // Opens or makes it; a torn tail is cut off. FAILED_PRECONDITION where it holds rows of another
  // schema, ALREADY_EXISTS where another process has it open, DATA_LOSS names a file that is
  // damaged.
  static absl::StatusOr<std::unique_ptr<Spool>> Open(const Options& options,
                                                     const transition::Schema& schema);
  ~Spool();

  // Rows as raw bytes, column after column (Schema::row_bytes() each). All or none.
  // RESOURCE_EXHAUSTED: the spool or the disk is full. `last_episode` is the last row's.
  absl::Status Append(const char* rows, uint64_t count, uint32_t last_episode);
  // Everything appended so far is durable when it returns.
  absl::Status Sync();

  // Adds durable rows from `position` on, at most max_rows; says how many.
  absl::StatusOr<uint64_t> Read(uint64_t position, uint64_t max_rows,
                                transition::BlockBuilder& rows);
  // Rows below `position` are the replay's; files that hold nothing else are removed.
  absl::Status Acknowledge(uint64_t position);

  std::optional<uint64_t> origin() const;
  absl::Status SetOrigin(uint64_t origin);

  // Oldest row kept, one past the newest, one past the newest durable one, one past the newest
  // acknowledged one since the start.
  uint64_t first() const;
  uint64_t next() const;
  uint64_t synced() const;
  uint64_t acknowledged() const;
  uint64_t bytes() const;
  // What it may take: the limit, or what the disk has left, whichever is less.
  uint64_t limit() const;
  // Part of that which is taken, 0 to 1.
  double used() const;
  // Rows that still fit.
  uint64_t room() const;
  // For about how long the oldest row has been waiting, since the start at most; 0: none waits.
  double oldest_seconds() const;
  // An episode number that no row has had.
  uint32_t next_episode() const;
  // Cut off when it was opened.
  uint64_t torn_bytes() const { return torn_bytes_; }

 private:
  Spool(const Options& options, const transition::Schema& schema);

  absl::Status Lock();
  absl::Status Recover();
  absl::Status CheckSchema(const Segment& segment) const;
  absl::Status Roll() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  uint64_t BytesLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  uint64_t LimitLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  uint64_t record_bytes() const { return schema_.row_bytes() + sizeof(uint32_t); }
  void LookAtDisk();

  const Options options_;
  // A part of the limit at most: only whole files are given back.
  const uint64_t segment_bytes_;
  const transition::Schema schema_;
  int lock_fd_ = -1;
  uint64_t torn_bytes_ = 0;

  mutable absl::Mutex mutex_;
  // By first position; the last one is appended to.
  std::map<uint64_t, std::shared_ptr<Segment>> segments_ ABSL_GUARDED_BY(mutex_);
  uint64_t synced_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t acknowledged_ ABSL_GUARDED_BY(mutex_) = 0;
  uint32_t next_episode_ ABSL_GUARDED_BY(mutex_) = 0;
  std::optional<uint64_t> origin_ ABSL_GUARDED_BY(mutex_);
  // Bytes that the disk still has.
  uint64_t disk_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  // When rows came (position, monotonic ns), one a second, from the oldest that waits on.
  std::deque<std::pair<uint64_t, int64_t>> came_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace estuary::bridge
