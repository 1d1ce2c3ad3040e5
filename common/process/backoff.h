// How long to wait before the next try: exponential with jitter, seeded.
#pragma once

#include <algorithm>
#include <random>

#include "absl/time/time.h"

namespace estuary::process {

// Not thread-safe.
class Backoff {
 public:
  explicit Backoff(absl::Duration first = absl::Milliseconds(20),
                   absl::Duration longest = absl::Seconds(2), uint64_t seed = 1)
      : first_(first), longest_(longest), next_(first), random_(seed) {}

  // Half to the whole of a delay that doubles from `first` to `longest`.
  absl::Duration Next() {
    const absl::Duration delay = next_ * std::uniform_real_distribution<double>(0.5, 1)(random_);
    next_ = std::min(next_ * 2, longest_);
    return delay;
  }

  void Reset() { next_ = first_; }

 private:
  const absl::Duration first_;
  const absl::Duration longest_;
  absl::Duration next_;
  std::mt19937_64 random_;
};

}  // namespace estuary::process
