// Moments of transitions that are not kept: of a table that the device is too small for, read
// through once.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "learner/core/replay/device_replay.h"

namespace estuary::learner {

class MomentsSum {
 public:
  explicit MomentsSum(int observation_dim);

  void Add(const TransitionColumns& columns);

  int64_t rows() const { return rows_; }
  // As DeviceReplay::Moments of the same rows, up to rounding. FAILED_PRECONDITION without any.
  absl::StatusOr<ReplayMoments> Moments() const;

 private:
  // Of one dimension: mean and sum of squared distances from it (Welford).
  struct Running {
    double mean = 0;
    double squares = 0;
    void Add(double value, double count);
  };

  std::vector<Running> observation_, difference_;
  int64_t rows_ = 0;
};

}  // namespace estuary::learner
