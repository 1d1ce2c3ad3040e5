// Hands policy versions from the training loop to any number of subscribers. Publishing never
// waits: a subscriber takes what it wants when it is ready for it.
//
// Two kinds of subscriber. Most want the newest version: what they were too slow for is gone. An
// evaluator gets every version that is to be evaluated, in order; those wait here until their
// evaluation is reported (Retire), so that an evaluator that comes back is given again what it had
// not finished. That queue is bounded: beyond the bound the oldest is given up and counted.
//
// Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "estuary/v1/learner.pb.h"

namespace estuary::learner {

class Publisher {
 public:
  using Update = std::shared_ptr<const v1::PolicyUpdate>;

  // One subscriber's place. One thread at a time.
  class Subscription {
   public:
    ~Subscription();

    // The next update for this subscriber; waits for it up to `timeout`. Null where none came.
    Update Next(absl::Duration timeout);

   private:
    friend class Publisher;
    Subscription(Publisher* publisher, bool evaluations);

    Publisher* const publisher_;
    const bool evaluations_;
    // Number of the newest update that was returned.
    uint64_t seen_ = 0;
  };

  explicit Publisher(size_t evaluations_kept = 256) : evaluations_kept_(evaluations_kept) {}

  // `evaluate`: evaluators get it too. An update with `final` goes to everybody.
  void Publish(Update update, bool evaluate);
  // This version's evaluation is in: it need not be sent again.
  void Retire(uint64_t version);

  // Outlived by the publisher.
  std::unique_ptr<Subscription> Subscribe(bool evaluations);

  // Waits until nobody is subscribed; false where `timeout` came first.
  bool WaitUntilAlone(absl::Duration timeout);

  int subscribers() const;
  // An evaluator has ever subscribed.
  bool evaluated() const;
  // Versions whose evaluation is awaited, oldest first.
  std::vector<Update> Pending() const;
  // Versions that no evaluator took before there were too many.
  uint64_t evaluations_given_up() const;

 private:
  struct Numbered {
    uint64_t number;
    Update update;
  };

  // The update that comes after number `seen`, or one with number 0.
  Numbered After(uint64_t seen, bool evaluations) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t evaluations_kept_;
  mutable absl::Mutex mutex_;
  uint64_t number_ ABSL_GUARDED_BY(mutex_) = 0;
  Numbered newest_ ABSL_GUARDED_BY(mutex_) = {0, nullptr};
  std::deque<Numbered> evaluations_ ABSL_GUARDED_BY(mutex_);
  int subscribers_ ABSL_GUARDED_BY(mutex_) = 0;
  bool evaluated_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t given_up_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace estuary::learner
