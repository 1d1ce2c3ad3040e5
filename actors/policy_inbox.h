// Where policy versions wait to be swapped in between two steps.
//
// A version is checked and laid out by the thread that receives it (policy_source.h); the stepping
// loop looks at one flag a step and takes a lock only when something is there. The newest wins.
//
// Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/policy/policy.h"

namespace estuary::actor {

struct ReadyPolicy {
  // Null while there is none to give.
  std::shared_ptr<const policy::Policy> policy = nullptr;
  std::optional<policy::Policy::Workspace> workspace = std::nullopt;
  // Steps that may be taken, over the actor's sequence numbers; 0: no limit.
  uint64_t steps_limit = 0;
  bool final = false;
};

class PolicyInbox {
 public:
  // Replaces what was not taken yet, unless that was the final version.
  void Put(ReadyPolicy policy);
  // Nothing good will come any more; Take returns the error.
  void Fail(absl::Status status);

  // Something is there to take. One atomic load.
  bool fresh() const { return fresh_.load(std::memory_order_acquire); }
  // NOT_FOUND where nothing is there.
  absl::StatusOr<ReadyPolicy> Take();
  // Waits until something is there; false where nothing came in time.
  bool Wait(absl::Duration timeout);

 private:
  std::atomic<bool> fresh_{false};
  absl::Mutex mutex_;
  std::optional<ReadyPolicy> newest_ ABSL_GUARDED_BY(mutex_);
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace estuary::actor
