#include "learner/service/publisher.h"

#include <utility>

namespace estuary::learner {

Publisher::Subscription::Subscription(Publisher* publisher, bool evaluations)
    : publisher_(publisher), evaluations_(evaluations) {}

Publisher::Subscription::~Subscription() {
  absl::MutexLock lock(&publisher_->mutex_);
  --publisher_->subscribers_;
}

Publisher::Update Publisher::Subscription::Next(absl::Duration timeout) {
  Publisher& p = *publisher_;
  absl::MutexLock lock(&p.mutex_);
  auto ready = [this, &p]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(p.mutex_) {
    return p.After(seen_, evaluations_).number != 0;
  };
  if (!p.mutex_.AwaitWithTimeout(absl::Condition(&ready), timeout)) return nullptr;
  Numbered next = p.After(seen_, evaluations_);
  seen_ = next.number;
  return std::move(next.update);
}

void Publisher::Publish(Update update, bool evaluate) {
  absl::MutexLock lock(&mutex_);
  newest_ = {++number_, std::move(update)};
  if (!evaluate || newest_.update->final()) return;
  if (evaluations_.size() >= evaluations_kept_) {
    evaluations_.pop_front();
    ++given_up_;
  }
  evaluations_.push_back(newest_);
}

void Publisher::Retire(uint64_t version) {
  absl::MutexLock lock(&mutex_);
  std::erase_if(evaluations_, [version](const Numbered& waiting) {
    return waiting.update->policy().version() == version;
  });
}

std::unique_ptr<Publisher::Subscription> Publisher::Subscribe(bool evaluations) {
  absl::MutexLock lock(&mutex_);
  ++subscribers_;
  evaluated_ = evaluated_ || evaluations;
  return std::unique_ptr<Subscription>(new Subscription(this, evaluations));
}

bool Publisher::WaitUntilAlone(absl::Duration timeout) {
  absl::MutexLock lock(&mutex_);
  auto alone = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return subscribers_ == 0; };
  return mutex_.AwaitWithTimeout(absl::Condition(&alone), timeout);
}

int Publisher::subscribers() const {
  absl::MutexLock lock(&mutex_);
  return subscribers_;
}

bool Publisher::evaluated() const {
  absl::MutexLock lock(&mutex_);
  return evaluated_;
}

std::vector<Publisher::Update> Publisher::Pending() const {
  absl::MutexLock lock(&mutex_);
  std::vector<Update> pending;
  for (const Numbered& waiting : evaluations_) pending.push_back(waiting.update);
  return pending;
}

uint64_t Publisher::evaluations_given_up() const {
  absl::MutexLock lock(&mutex_);
  return given_up_;
}

Publisher::Numbered Publisher::After(uint64_t seen, bool evaluations) const {
  if (evaluations) {
    for (const Numbered& waiting : evaluations_) {
      if (waiting.number > seen) return waiting;
    }
    if (newest_.update == nullptr || !newest_.update->final()) return {0, nullptr};
  }
  return newest_.number > seen ? newest_ : Numbered{0, nullptr};
}

}  // namespace estuary::learner
