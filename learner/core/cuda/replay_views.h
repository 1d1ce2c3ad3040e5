// What the device knows of the seeds' replays: where their rows lie, and how many. Only what
// changed is told anew, between launches.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "learner/core/cuda/backend.h"
#include "learner/core/cuda/step_arguments.h"
#include "learner/core/engine.h"

namespace estuary::learner::cuda {

class ReplayViews {
 public:
  ReplayViews(const LearnerConfig& config, Backend& backend, size_t seeds);

  // Before steps are launched. FAILED_PRECONDITION where a replay has not what a step draws;
  // UNAVAILABLE where the device failed. `steps_done` of each seed, for rows in order.
  absl::Status Update(const std::vector<SeedOptions>& seeds,
                      const std::vector<uint64_t>& steps_done, const ReplayView* real,
                      const ReplayView* sim);
  // How many steps the rows that are drawn in order are enough for, at most `wanted`.
  int Enough(const std::vector<SeedOptions>& seeds, int wanted) const;
  // So many steps were launched: their rows in order are used up.
  void Drawn(const std::vector<SeedOptions>& seeds, int steps) const;
  // The next Update tells everything.
  void Forget();

 private:
  const LearnerConfig& config_;
  Backend& backend_;
  // Real, sim, real, ...
  std::vector<ReplayView> known_;
};

}  // namespace estuary::learner::cuda
