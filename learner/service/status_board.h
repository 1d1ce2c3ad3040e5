// Where the training loop says how it is doing and everybody else reads it. Thread-safe; the loop
// never waits here for longer than a copy takes.
#pragma once

#include <functional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "estuary/v1/learner.pb.h"

namespace estuary::learner {

class StatusBoard {
 public:
  void Update(const std::function<void(v1::LearnerStatus&)>& change) {
    absl::MutexLock lock(&mutex_);
    change(status_);
  }

  void SetPhase(v1::LearnerPhase phase, const std::string& detail) {
    absl::MutexLock lock(&mutex_);
    status_.set_phase(phase);
    status_.set_detail(detail);
  }

  v1::LearnerStatus Get() const {
    absl::MutexLock lock(&mutex_);
    return status_;
  }

 private:
  mutable absl::Mutex mutex_;
  v1::LearnerStatus status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace estuary::learner
