// Whether counts are what a distribution gives.
#pragma once

#include <cmath>
#include <cstddef>
#include <numeric>
#include <vector>

#include "gtest/gtest.h"

namespace estuary::replay {

// Pearson's chi-squared over the cells that weigh something, as a standard normal deviate by Wilson
// and Hilferty; cells that weigh nothing must be empty. Fails beyond 4.5: once in 300,000 runs by
// chance, and tests are seeded. Every cell should expect 5 or more.
inline ::testing::AssertionResult FitsExpectation(const std::vector<double>& counts,
                                                  const std::vector<double>& weights) {
  const double draws = std::accumulate(counts.begin(), counts.end(), 0.0);
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  double chi_squared = 0;
  double pooled_count = 0;
  double pooled_expected = 0;
  double cells = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    const double expected = draws * weights[i] / sum;
    if (expected == 0 && counts[i] > 0) {
      return ::testing::AssertionFailure() << "cell " << i << " should be empty";
    }
    // Rare cells together.
    pooled_count += counts[i];
    pooled_expected += expected;
    if (pooled_expected < 5) continue;
    const double difference = pooled_count - pooled_expected;
    chi_squared += difference * difference / pooled_expected;
    ++cells;
    pooled_count = 0;
    pooled_expected = 0;
  }
  const double freedom = cells - 1;
  if (freedom < 1) return ::testing::AssertionFailure() << "too few draws to say anything";
  const double part = 2.0 / (9.0 * freedom);
  const double deviate = (std::cbrt(chi_squared / freedom) - (1 - part)) / std::sqrt(part);
  if (std::abs(deviate) < 4.5) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "chi-squared " << chi_squared << " with " << freedom
                                       << " degrees of freedom, deviate " << deviate;
}

}  // namespace estuary::replay
