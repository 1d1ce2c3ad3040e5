// estuary sweep: the trainings of a whole table.
#include "cli/sweep/sweep.h"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/commands/commands.h"
#include "cli/sweep/results.h"
#include "cli/sweep/sweep_report.h"
#include "cli/sweep/sweep_table.h"
#include "cli/table/table.h"
#include "common/process/status.h"

namespace estuary::cli {
namespace {

struct Options {
  SweepOptions sweep;
  std::string part;
  bool list = false;
};

// "3/10": the share 3 of the shares 0 to 9.
absl::Status ParsePart(const std::string& text, SweepOptions* options) {
  if (text.empty()) return absl::OkStatus();
  const std::vector<std::string> numbers = absl::StrSplit(text, '/');
  if (numbers.size() != 2 || !absl::SimpleAtoi(numbers[0], &options->part) ||
      !absl::SimpleAtoi(numbers[1], &options->parts) || options->part >= options->parts) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--part is '", text, "'; it is I/N, the share I of N, counted from 0: 0/4, 1/4, 2/4, 3/4"));
  }
  return absl::OkStatus();
}

absl::Status Sweep(const std::string& name, Options& options) {
  ESTUARY_RETURN_IF_ERROR(ParsePart(options.part, &options.sweep));
  ESTUARY_ASSIGN_OR_RETURN(const SweepPlan plan, PlanSweep(name));
  if (options.list) {
    for (size_t i = options.sweep.part; i < plan.runs.size(); i += options.sweep.parts) {
      std::printf("%s\n", plan.runs[i].name.c_str());
    }
    return absl::OkStatus();
  }
  const absl::Status swept = RunSweep(plan, options.sweep);
  const std::string folder = SweepFolder(plan, options.sweep.runs);
  const auto results = ReadSweepResults(plan, folder);
  // Failures must not hide what was found.
  if (results.ok() && !absl::IsCancelled(swept)) {
    ESTUARY_ASSIGN_OR_RETURN(
        const SweepReportFiles files,
        WriteSweepReport(plan, *results, SweepReportFolder(plan, options.sweep.runs)));
    std::printf("%s\n\n%s\nreport: %s\n", plan.sweep.title().c_str(),
                FormatTable(SweepTable(plan, *results)).c_str(), files.page.c_str());
  }
  return swept;
}

}  // namespace

Command SweepCommand() {
  return {
      .name = "sweep",
      .arguments = "NAME",
      .summary = "Train every cell of a table of experiments with every seed",
      .details =
          "NAME is a file of experiments/sweeps/ without its ending, or the path of one: rows,\n"
          "columns, seeds and budgets in text (sweep.proto). Trains as many at once as there are\n"
          "processors, goes on where it was stopped, and ends with the table, a page with the\n"
          "learning curves, and a file of scores in RUNS/NAME/. `estuary report NAME` writes\n"
          "these again, also while the sweep runs. Several machines share a sweep with\n"
          "--part=0/4, --part=1/4, ... and one folder of runs.",
      .prepare = [](Flags& flags) -> Command::Run {
        auto options = std::make_shared<Options>();
        flags.Add("runs", &options->sweep.runs, "FOLDER", "where the sweeps' folders are");
        flags.Add("jobs", &options->sweep.jobs, "N", "trainings at once; 0: one a processor");
        // A swarm's job can give a task its number in the environment only.
        if (const char* part = std::getenv("ESTUARY_PART")) options->part = part;
        flags.Add("part", &options->part, "I/N",
                  "do the share I of N of the trainings (also from $ESTUARY_PART)");
        flags.Add("list", &options->list, "print the trainings' names and do nothing");
        return [options](const std::vector<std::string>& arguments) {
          return Sweep(arguments[0], *options);
        };
      }};
}

}  // namespace estuary::cli
