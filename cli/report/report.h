// Reports: one page about one run, one page that compares several.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/report/run_data.h"

namespace estuary::cli {

// FOLDER/report.html, from what the run left there.
absl::Status WriteRunReport(const std::string& folder);

// Runs side by side, in the shape of the paper's Figure 2: what each policy is worth in simulation,
// in reality, and on the robot. `note` is said at the top.
absl::Status WriteComparisonReport(const std::vector<std::string>& folders,
                                   const std::string& output, const std::string& note);

// The comparison's table, head first: survival, |x|, returns. With several runs of one algorithm
// each has a row, and their medians another.
std::vector<std::vector<std::string>> ComparisonTable(const std::vector<RunData>& runs);

// "H2O", "SAC (sim)", "CQL (real)"; other names in capitals.
std::string AlgorithmTitle(const RunData& run);

}  // namespace estuary::cli
