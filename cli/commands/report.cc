// estuary report: a page about one run, or one that compares several.
#include "cli/report/report.h"

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/commands/commands.h"
#include "common/process/status.h"

namespace estuary::cli {
namespace {

struct Options {
  std::string output = "report.html";
  std::string note;
};

absl::Status Report(const std::vector<std::string>& folders, const Options& options) {
  if (folders.size() == 1) {
    ESTUARY_RETURN_IF_ERROR(WriteRunReport(folders[0]));
    std::printf("%s/%s\n", folders[0].c_str(), kReportFile);
    return absl::OkStatus();
  }
  const std::string note =
      options.note.empty() ? absl::StrCat(folders.size(), " runs side by side") : options.note;
  ESTUARY_RETURN_IF_ERROR(WriteComparisonReport(folders, options.output, note));
  std::printf("%s\n", options.output.c_str());
  return absl::OkStatus();
}

}  // namespace

Command ReportCommand() {
  return {.name = "report",
          .arguments = "RUN_FOLDER...",
          .summary = "Draw a run's report.html, or one page that compares several runs",
          .details =
              "One self-contained page. With drives in the folders (drive.h5, as `estuary drive\n"
              "--output=RUN_FOLDER/drive.h5` writes it) the comparison shows them too.",
          .prepare = [](Flags& flags) -> Command::Run {
            auto options = std::make_shared<Options>();
            flags.Add("output", &options->output, "FILE", "the comparison's page");
            flags.Add("note", &options->note, "TEXT", "what the comparison's head shall say");
            return [options](const std::vector<std::string>& arguments) {
              return Report(arguments, *options);
            };
          }};
}

}  // namespace estuary::cli
