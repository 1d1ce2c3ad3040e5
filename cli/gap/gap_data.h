// What the checkpoints of a run measure at the same transitions, read back from its gap.h5: behind
// the paper's Figure 3 and the distribution of DARC's reward correction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace estuary::cli {

// Within a run's folder.
inline constexpr char kGapFile[] = "gap.h5";

// One value a transition.
struct GapStage {
  uint64_t gradient_steps = 0;
  // Empty where the algorithm does not compute it.
  std::vector<float> u = {}, log_ratio = {}, q = {};
};

struct GapData {
  int observation_dim = 0;
  // [transitions, observation_dim]; the simulated ones first, then the dataset's.
  std::vector<float> observations = {};
  size_t simulated = 0;
  // By checkpoint, oldest first.
  std::vector<GapStage> stages = {};

  size_t size() const { return observations.size() / observation_dim; }
};

// INVALID_ARGUMENT names arrays that do not fit each other.
absl::StatusOr<GapData> ReadGapData(const std::string& path);

}  // namespace estuary::cli
