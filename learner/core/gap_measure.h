// What a saved engine makes of given transitions, taken as simulated ones: the dynamics gap u (eq.
// 33, or 36), the log ratio behind it (DARC's correction of the reward) and Q. For looking at a
// training afterwards; nothing is learned from them.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "learner/core/config.h"
#include "learner/core/replay/device_replay.h"

namespace estuary::learner {

// One value a transition; empty where the algorithm does not compute it.
struct GapReadings {
  uint64_t gradient_steps = 0;
  std::vector<float> u;
  // log P_M(s'|s,a) / P_sim(s'|s,a), at s' itself.
  std::vector<float> log_ratio;
  // The smaller of the two critics'.
  std::vector<float> q;
};

// `state`: Engine::Save's bytes of any engine. `seed`: of the noise on next states.
// FAILED_PRECONDITION where the algorithm has no discriminators.
absl::StatusOr<GapReadings> MeasureGap(const LearnerConfig& config, absl::string_view state,
                                       const TransitionColumns& transitions, uint64_t seed);

}  // namespace estuary::learner
