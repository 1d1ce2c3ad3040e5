// How a stream that found nothing to do learns that it may try again.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace estuary::replay {

class Listener {
 public:
  virtual ~Listener() = default;
  // Try again. Comes from any thread, which holds no lock; may come for nothing.
  virtual void Wake() = 0;
};

// Those who wait, in the order in which they came. Thread-safe; to miss nothing, Add is called
// while the lock is still held (shared is enough) under which nothing was found.
class ListenerList {
 public:
  void Add(const std::shared_ptr<Listener>& listener) {
    const absl::MutexLock lock(&mutex_);
    waiting_.push_back(listener);
    any_.store(true, std::memory_order_release);
    if (waiting_.size() >= compact_at_) Compact();
  }

  // Each is woken once and has to add itself again.
  void WakeAll() {
    if (!any_.load(std::memory_order_acquire)) return;
    std::vector<std::weak_ptr<Listener>> woken;
    {
      const absl::MutexLock lock(&mutex_);
      woken.swap(waiting_);
      any_.store(false, std::memory_order_release);
    }
    for (const std::weak_ptr<Listener>& weak : woken) {
      if (const std::shared_ptr<Listener> listener = weak.lock()) listener->Wake();
    }
  }

 private:
  // Who came often is kept once, in the place of its first time; the dead are forgotten.
  void Compact() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    std::set<std::weak_ptr<Listener>, std::owner_less<std::weak_ptr<Listener>>> seen;
    std::vector<std::weak_ptr<Listener>> kept;
    for (std::weak_ptr<Listener>& listener : waiting_) {
      if (!listener.expired() && seen.insert(listener).second) kept.push_back(std::move(listener));
    }
    waiting_ = std::move(kept);
    compact_at_ = std::max(kCompactAtLeast, 2 * waiting_.size());
  }

  static constexpr size_t kCompactAtLeast = 64;

  absl::Mutex mutex_;
  size_t compact_at_ ABSL_GUARDED_BY(mutex_) = kCompactAtLeast;
  std::atomic<bool> any_ = false;
  std::vector<std::weak_ptr<Listener>> waiting_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace estuary::replay
