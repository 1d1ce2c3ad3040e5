// How long somebody waited, in all: the clock runs while at least one party is inside. Thread-safe.
#pragma once

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace estuary::replay {

class WaitClock {
 public:
  void Enter() {
    const absl::MutexLock lock(&mutex_);
    if (waiting_++ == 0) since_ = absl::Now();
  }

  void Leave() {
    const absl::MutexLock lock(&mutex_);
    if (--waiting_ == 0) total_ += absl::Now() - since_;
  }

  absl::Duration Total() const {
    const absl::MutexLock lock(&mutex_);
    return total_ + (waiting_ > 0 ? absl::Now() - since_ : absl::ZeroDuration());
  }

  // Zero where nobody waits now.
  absl::Duration Current() const {
    const absl::MutexLock lock(&mutex_);
    return waiting_ > 0 ? absl::Now() - since_ : absl::ZeroDuration();
  }

  int waiting() const {
    const absl::MutexLock lock(&mutex_);
    return waiting_;
  }

 private:
  mutable absl::Mutex mutex_;
  int waiting_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Time since_ ABSL_GUARDED_BY(mutex_);
  absl::Duration total_ ABSL_GUARDED_BY(mutex_);
};

// One party, which waits for one thing at a time. Not thread-safe.
class Waiter {
 public:
  Waiter() = default;
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  ~Waiter() { For(nullptr); }

  // Null: it does not wait.
  void For(WaitClock* clock) {
    if (clock == clock_) return;
    if (clock_ != nullptr) clock_->Leave();
    clock_ = clock;
    if (clock_ != nullptr) clock_->Enter();
  }

 private:
  WaitClock* clock_ = nullptr;
};

}  // namespace estuary::replay
