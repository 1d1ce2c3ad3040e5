// A sweep's figures: the learning curves of every row (the paper's Figure 7), what its policies do
// with a robot (Figures 2 and 5), and the gap that its checkpoints measure (Figure 3).
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/report/figure.h"
#include "cli/sweep/plan.h"
#include "cli/sweep/results.h"

namespace estuary::cli {

struct NamedFigure {
  // Also its file's, without ending: "standing_still-return_real".
  std::string name;
  std::string title;
  std::string svg;
  // The numbers behind it, for a file NAME.csv; most have theirs in other files.
  std::string csv = "";
  // As wide as the page.
  bool wide = false;
};

// Of one row, in the order to be seen in; kinds for which nothing was recorded are left out.
absl::StatusOr<std::vector<NamedFigure>> RowFigures(const SweepResults& results, size_t row,
                                                    Plotter& plotter);

}  // namespace estuary::cli
