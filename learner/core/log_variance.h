// Bounds of the log variance that the model of the dynamics predicts (losses.h, SplitPrediction):
// MOPO's at their start. The engines that write the same equation out read them here.
#pragma once

namespace estuary::learner {

inline constexpr double kLeastLogVariance = -10;
inline constexpr double kGreatestLogVariance = 0.5;

}  // namespace estuary::learner
