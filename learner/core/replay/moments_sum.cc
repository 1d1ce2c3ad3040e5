#include "learner/core/replay/moments_sum.h"

#include <cmath>

namespace estuary::learner {
namespace {

// As DeviceReplay counts them: zero rows for every row held.
constexpr double kZeroRowsPerRow = 10;

}  // namespace

MomentsSum::MomentsSum(int observation_dim)
    : observation_(static_cast<size_t>(observation_dim)),
      difference_(static_cast<size_t>(observation_dim)) {}

void MomentsSum::Running::Add(double value, double count) {
  const double before = value - mean;
  mean += before / count;
  squares += before * (value - mean);
}

void MomentsSum::Add(const TransitionColumns& columns) {
  const size_t dim = observation_.size();
  for (size_t row = 0; row < columns.reward.size(); ++row) {
    const double count = static_cast<double>(++rows_);
    for (size_t i = 0; i < dim; ++i) {
      const double s = columns.observation[row * dim + i];
      observation_[i].Add(s, count);
      difference_[i].Add(columns.next_observation[row * dim + i] - s, count);
    }
  }
}

absl::StatusOr<ReplayMoments> MomentsSum::Moments() const {
  if (rows_ == 0) {
    return absl::FailedPreconditionError("there are no transitions to take moments of");
  }
  const double share = 1 / (1 + kZeroRowsPerRow);
  ReplayMoments moments;
  for (size_t i = 0; i < observation_.size(); ++i) {
    const double mean = observation_[i].mean;
    const double variance = observation_[i].squares / static_cast<double>(rows_);
    moments.observation_mean.push_back(mean);
    moments.observation_std.push_back(std::sqrt(variance));
    moments.padded_observation_std.push_back(
        std::sqrt(share * (variance + mean * mean) - share * share * mean * mean));
    moments.difference_mean.push_back(difference_[i].mean);
    moments.difference_std.push_back(
        std::sqrt(difference_[i].squares / static_cast<double>(rows_)));
  }
  return moments;
}

}  // namespace estuary::learner
