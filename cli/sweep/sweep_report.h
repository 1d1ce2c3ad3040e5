// A sweep's results for people and for scripts: report.html, table.md with its figures as SVG files
// beside it, and scores.csv with a line for every training. Small enough to be kept with the code.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "cli/sweep/plan.h"
#include "cli/sweep/results.h"

namespace estuary::cli {

struct SweepReportFiles {
  std::string page;
  std::string markdown;
  std::string csv;
};

// Writes them into `output`.
absl::StatusOr<SweepReportFiles> WriteSweepReport(const SweepPlan& plan,
                                                  const SweepResults& results,
                                                  const std::string& output);

}  // namespace estuary::cli
