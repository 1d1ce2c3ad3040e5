// Counts the rows that a table takes in, for a learner that does not follow it: asks the shards a
// few times a second, in a thread of its own, and counts on through shards that are away or
// restart.
//
// Thread-safe.
#pragma once

#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "learner/service/run_state.h"
#include "learner/service/shard_survey.h"

namespace estuary::learner {

// The positions after the shards said `holdings`: each counts on by the rows that its log grew by.
// A log that is another one, or that jumped (its shard restarted), counts from where it is now.
std::vector<ShardPosition> CountOn(const std::vector<ShardPosition>& positions,
                                   const std::vector<ShardHolding>& holdings);

class InsertWatch {
 public:
  // From `positions`, one a shard, on.
  InsertWatch(std::vector<std::string> shards, std::string table,
              std::vector<ShardPosition> positions);
  ~InsertWatch();

  std::vector<ShardPosition> positions() const;
  // The sum of the positions' rows.
  uint64_t rows() const;

 private:
  void Loop();

  const std::vector<std::string> shards_;
  const std::string table_;
  mutable absl::Mutex mutex_;
  std::vector<ShardPosition> positions_ ABSL_GUARDED_BY(mutex_);
  absl::Notification stop_;
  std::thread thread_;
};

}  // namespace estuary::learner
