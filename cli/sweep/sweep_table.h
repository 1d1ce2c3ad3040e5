// A sweep's results as tables: for a page, as Markdown, and as CSV.
#pragma once

#include <string>
#include <vector>

#include "cli/sweep/plan.h"
#include "cli/sweep/results.h"
#include "cli/sweep/sweep_figures.h"

namespace estuary::cli {

// "3 seeds a cell, 40,000 gradient steps, 12 of 36 trainings done".
std::string SeedsAndSteps(const SweepResults& results);

// The table of returns in reality, mean ± standard deviation over the seeds that are done, medians,
// the return in the policy's own simulator, and published numbers beside ours where there are any.
std::vector<std::vector<std::string>> SweepTable(const SweepPlan& plan,
                                                 const SweepResults& results);
// Every cell's seeds, head first.
std::vector<std::vector<std::string>> SeedTable(const SweepResults& results);

// Both, with the figures as images beside the file, NAME.svg.
std::string SweepMarkdown(const SweepPlan& plan, const SweepResults& results,
                          const std::vector<NamedFigure>& figures = {});
// A line for every training of every cell.
std::string SweepCsv(const SweepResults& results);

}  // namespace estuary::cli
