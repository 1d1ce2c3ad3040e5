// A sweep's results for people and for scripts: report.html with learning curves, table.md, and
// scores.csv with a line for every training.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/sweep/plan.h"
#include "cli/sweep/results.h"

namespace estuary::cli {

// The table of returns in reality, mean ± standard deviation over the seeds that are done, medians,
// the return in the policy's own simulator, and published numbers below ours where there are any.
std::vector<std::vector<std::string>> SweepTable(const SweepPlan& plan,
                                                 const SweepResults& results);

std::string SweepMarkdown(const SweepPlan& plan, const SweepResults& results);
std::string SweepCsv(const SweepResults& results);

struct SweepReportFiles {
  std::string page;
  std::string markdown;
  std::string csv;
};

// Writes the three into `output`.
absl::StatusOr<SweepReportFiles> WriteSweepReport(const SweepPlan& plan,
                                                  const SweepResults& results,
                                                  const std::string& output);

}  // namespace estuary::cli
