#include "actors/policy_inbox.h"

#include <utility>

namespace estuary::actor {

void PolicyInbox::Put(ReadyPolicy policy) {
  absl::MutexLock lock(&mutex_);
  if (newest_.has_value() && newest_->final) return;
  newest_ = std::move(policy);
  fresh_.store(true, std::memory_order_release);
}

void PolicyInbox::Fail(absl::Status status) {
  absl::MutexLock lock(&mutex_);
  status_ = std::move(status);
  fresh_.store(true, std::memory_order_release);
}

absl::StatusOr<ReadyPolicy> PolicyInbox::Take() {
  absl::MutexLock lock(&mutex_);
  // An error stays, for whoever asks again.
  if (!status_.ok()) return status_;
  if (!newest_.has_value()) return absl::NotFoundError("no new policy version");
  ReadyPolicy taken = std::move(*newest_);
  newest_.reset();
  fresh_.store(false, std::memory_order_release);
  return taken;
}

bool PolicyInbox::Wait(absl::Duration timeout) {
  absl::MutexLock lock(&mutex_);
  auto there = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return newest_.has_value() || !status_.ok();
  };
  return mutex_.AwaitWithTimeout(absl::Condition(&there), timeout);
}

}  // namespace estuary::actor
