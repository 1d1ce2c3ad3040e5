// The median of figures that come from several seeds.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace estuary::cli {

// The mean of the two in the middle where there are two; 0 of none.
inline double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

}  // namespace estuary::cli
