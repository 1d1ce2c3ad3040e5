// Who reads and writes a table now, how far the followers are, and who waited for whom: what the
// table's streams tell and its status shows. Nothing here decides anything.
//
// Thread-safe. Streams tell once a message, never once a row.
#pragma once

#include <atomic>
#include <cstdint>
#include <set>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "replay_server/wait_clock.h"

namespace estuary::replay {

// Where a follower goes on; written by its stream, read by the table's status.
using FollowerCursor = std::atomic<uint64_t>;

struct TableTraffic {
  std::atomic<int> writers = 0;
  std::atomic<int> samplers = 0;

  std::atomic<uint64_t> received_bytes = 0;
  std::atomic<uint64_t> sent_bytes = 0;

  // The limiter; the disk of a durable table.
  WaitClock writers_for_samples;
  WaitClock writers_for_disk;
  // Too few rows; the peer takes what was sent too slowly.
  WaitClock samplers_for_inserts;
  WaitClock samplers_for_network;
  // All there is was sent; or there is more, and the peer is too slow.
  WaitClock followers_for_inserts;
  WaitClock followers_for_network;

  void Add(const FollowerCursor* follower) {
    const absl::MutexLock lock(&mutex);
    followers.insert(follower);
  }
  void Remove(const FollowerCursor* follower) {
    const absl::MutexLock lock(&mutex);
    followers.erase(follower);
  }

  mutable absl::Mutex mutex;
  std::set<const FollowerCursor*> followers ABSL_GUARDED_BY(mutex);
};

}  // namespace estuary::replay
