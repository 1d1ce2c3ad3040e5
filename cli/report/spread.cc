#include "cli/report/spread.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <utility>

namespace estuary::cli {

Spread SpreadOf(std::vector<double> values) {
  if (values.empty()) return {};
  const double n = static_cast<double>(values.size());
  Spread spread;
  spread.mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  for (const double value : values) spread.std += (value - spread.mean) * (value - spread.mean);
  spread.std = std::sqrt(spread.std / n);
  spread.median = Quantile(std::move(values), 0.5);
  return spread;
}

double Quantile(std::vector<double> values, double fraction) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const double place = fraction * static_cast<double>(values.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (values[above] - values[below]) * (place - static_cast<double>(below));
}

}  // namespace estuary::cli
