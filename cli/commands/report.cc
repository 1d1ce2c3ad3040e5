// estuary report: a page about one run or one sweep, or one that compares several runs.
#include "cli/report/report.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/commands/commands.h"
#include "cli/report/dataset_page.h"
#include "cli/sweep/plan.h"
#include "cli/sweep/results.h"
#include "cli/sweep/sweep.h"
#include "cli/sweep/sweep_report.h"
#include "cli/sweep/sweep_table.h"
#include "cli/table/table.h"
#include "common/process/status.h"

namespace estuary::cli {
namespace {

struct Options {
  std::string output;
  std::string note;
  std::string runs = "runs";
};

constexpr char kComparison[] = "report.html";
constexpr char kDatasets[] = "datasets_report";

// Neither a run's folder nor anything else that is there, but a sweep's name or file.
bool NamesASweep(const std::string& word) {
  std::error_code error;
  if (std::filesystem::is_directory(word, error)) return false;
  const std::vector<std::string> names = SweepNames();
  return std::find(names.begin(), names.end(), word) != names.end() ||
         std::filesystem::is_regular_file(word, error);
}

absl::Status ReportSweep(const std::string& name, const Options& options) {
  ESTUARY_ASSIGN_OR_RETURN(const SweepPlan plan, PlanSweep(name));
  const std::string folder = SweepFolder(plan, options.runs);
  ESTUARY_RETURN_IF_ERROR(RecordEpisodes(plan, folder));
  ESTUARY_ASSIGN_OR_RETURN(const SweepResults results, ReadSweepResults(plan, folder));
  ESTUARY_ASSIGN_OR_RETURN(
      const SweepReportFiles files,
      WriteSweepReport(
          plan, results,
          options.output.empty() ? SweepReportFolder(plan, options.runs) : options.output));
  std::printf("%s\n\n%s\n%s\n%s\n%s\n", plan.sweep.title().c_str(),
              FormatTable(SweepTable(plan, results)).c_str(), files.page.c_str(),
              files.markdown.c_str(), files.csv.c_str());
  return absl::OkStatus();
}

absl::Status ReportDatasets(const std::vector<std::string>& paths, const Options& options) {
  const std::string output = options.output.empty() ? kDatasets : options.output;
  ESTUARY_RETURN_IF_ERROR(WriteDatasetReport(paths, output));
  std::printf("%s/report.html\n%s/table.md\n", output.c_str(), output.c_str());
  return absl::OkStatus();
}

absl::Status Report(const std::vector<std::string>& folders, const Options& options) {
  if (std::all_of(folders.begin(), folders.end(), &NamesADataset)) {
    return ReportDatasets(folders, options);
  }
  if (folders.size() == 1 && NamesASweep(folders[0])) return ReportSweep(folders[0], options);
  if (folders.size() == 1) {
    ESTUARY_RETURN_IF_ERROR(WriteRunReport(folders[0]));
    std::printf("%s/%s\n", folders[0].c_str(), kReportFile);
    return absl::OkStatus();
  }
  const std::string note =
      options.note.empty() ? absl::StrCat(folders.size(), " runs side by side") : options.note;
  const std::string output = options.output.empty() ? kComparison : options.output;
  ESTUARY_RETURN_IF_ERROR(WriteComparisonReport(folders, output, note));
  std::printf("%s\n", output.c_str());
  return absl::OkStatus();
}

}  // namespace

Command ReportCommand() {
  return {
      .name = "report",
      .arguments = "RUN_FOLDER|SWEEP|DATASET...",
      .summary = "Draw the report of a run, a sweep or datasets, or one that compares several runs",
      .details =
          "One self-contained page. With drives in the folders (drive.h5, as `estuary drive\n"
          "--output=RUN_FOLDER/drive.h5` writes it) the comparison shows them too. Of a sweep:\n"
          "its table and figures as a page, as Markdown with SVG files and as CSV, of the\n"
          "trainings done so far. Of datasets (.h5, .hdf5): their rewards and returns.",
      .prepare = [](Flags& flags) -> Command::Run {
        auto options = std::make_shared<Options>();
        flags.Add("output", &options->output, "PATH",
                  "the comparison's page (default report.html), or the folder for a sweep's\n"
                  "files (default: the sweep's) or datasets' (default: datasets_report)");
        flags.Add("runs", &options->runs, "FOLDER", "where the sweeps' folders are");
        flags.Add("note", &options->note, "TEXT", "what the comparison's head shall say");
        return [options](const std::vector<std::string>& arguments) {
          return Report(arguments, *options);
        };
      }};
}

}  // namespace estuary::cli
