// Where the training loop says how it is doing and everybody else reads it. Thread-safe; the loop
// never waits here for longer than a copy takes.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "estuary/v1/learner.pb.h"

namespace estuary::learner {

class StatusBoard {
 public:
  // `on_phase` is told of every change of the phase, and must not come back here.
  explicit StatusBoard(std::function<void(v1::LearnerPhase)> on_phase = nullptr)
      : on_phase_(std::move(on_phase)) {}

  void Update(const std::function<void(v1::LearnerStatus&)>& change) {
    absl::MutexLock lock(&mutex_);
    const v1::LearnerPhase before = status_.phase();
    change(status_);
    if (status_.phase() != before && on_phase_) on_phase_(status_.phase());
  }

  void SetPhase(v1::LearnerPhase phase, const std::string& detail) {
    Update([&](v1::LearnerStatus& status) {
      status.set_phase(phase);
      status.set_detail(detail);
    });
  }

  void CheckpointWritten() {
    absl::MutexLock lock(&mutex_);
    checkpoint_ = absl::Now();
  }
  void RealRowsCame() {
    absl::MutexLock lock(&mutex_);
    newest_real_row_ = absl::Now();
  }

  v1::LearnerStatus Get() const {
    absl::MutexLock lock(&mutex_);
    v1::LearnerStatus status = status_;
    const absl::Time now = absl::Now();
    if (checkpoint_) {
      status.set_checkpoint_age_seconds(absl::ToDoubleSeconds(now - *checkpoint_));
    }
    if (newest_real_row_) {
      status.set_newest_real_row_age_seconds(absl::ToDoubleSeconds(now - *newest_real_row_));
    }
    return status;
  }

 private:
  const std::function<void(v1::LearnerPhase)> on_phase_;
  mutable absl::Mutex mutex_;
  v1::LearnerStatus status_ ABSL_GUARDED_BY(mutex_);
  std::optional<absl::Time> checkpoint_ ABSL_GUARDED_BY(mutex_);
  std::optional<absl::Time> newest_real_row_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace estuary::learner
