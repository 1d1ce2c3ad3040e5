// What figures of several seeds come to.
#pragma once

#include <vector>

namespace estuary::cli {

struct Spread {
  double mean = 0;
  // Of the population, as the paper's numbers are.
  double std = 0;
  double median = 0;
};

// All 0 where there is none.
Spread SpreadOf(std::vector<double> values);

// Between 0 and 1, linear between neighbours; 0.5 is the median. 0 of none.
double Quantile(std::vector<double> values, double fraction);

}  // namespace estuary::cli
