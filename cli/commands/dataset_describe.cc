// estuary dataset describe: what a file of transitions holds.
#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/commands/commands.h"
#include "cli/data/left_out.h"
#include "cli/progress/display.h"
#include "cli/progress/format.h"
#include "cli/table/table.h"
#include "common/dataset/summary.h"
#include "common/process/status.h"

namespace estuary::cli {
namespace {

constexpr int kBins = 12;
constexpr int kBarWidth = 40;

std::vector<std::string> MomentsRow(const std::string& name, const dataset::Moments& m) {
  const auto number = [](double value) { return absl::StrFormat("%.4g", value); };
  return {name, number(m.mean), number(m.std), number(m.min), number(m.max)};
}

std::string FormatHistogram(const dataset::Histogram& histogram) {
  const uint64_t most = *std::max_element(histogram.counts.begin(), histogram.counts.end());
  const double width =
      (histogram.high - histogram.low) / static_cast<double>(histogram.counts.size());
  std::string text;
  for (size_t i = 0; i < histogram.counts.size(); ++i) {
    const double fraction =
        most == 0 ? 0 : static_cast<double>(histogram.counts[i]) / static_cast<double>(most);
    std::string bar = Bar(fraction, kBarWidth, /*unicode=*/true);
    bar = bar.substr(1, bar.size() - 2);
    absl::StrAppendFormat(&text, "  from %10.4g  %s %s\n",
                          histogram.low + width * static_cast<double>(i), bar,
                          WithCommas(histogram.counts[i]));
  }
  return text;
}

absl::Status Describe(const std::string& path) {
  ESTUARY_ASSIGN_OR_RETURN(const dataset::Reader reader, dataset::Reader::Open(path));
  absl::StatusOr<dataset::Summary> summarized = absl::UnknownError("not read");
  {
    Display display({path});
    summarized = dataset::Summarize(reader, kBins, [&](uint64_t rows) {
      display.Update(0, {.phase = "reading", .done = rows, .total = 2 * reader.info().rows});
    });
  }
  ESTUARY_ASSIGN_OR_RETURN(const dataset::Summary summary, std::move(summarized));
  std::printf(
      "%s: %s\n\n%s rows of %d observations and %d actions, %s episodes, %s terminal, %s cut\n",
      path.c_str(), summary.info.layout.c_str(), WithCommas(summary.info.rows).c_str(),
      summary.info.observation_dim, summary.info.action_dim, WithCommas(summary.episodes).c_str(),
      WithCommas(summary.terminals).c_str(), WithCommas(summary.timeouts).c_str());
  std::fputs(LeftOut(summary.info).c_str(), stdout);
  if (summary.jumps > 0) {
    std::printf(
        "%s times the next row begins elsewhere than a row ended, although no flag says so\n",
        WithCommas(summary.jumps).c_str());
  }
  std::printf("\n");
  std::vector<std::vector<std::string>> rows = {{"", "mean", "std", "min", "max"}};
  for (size_t i = 0; i < summary.observation.size(); ++i) {
    rows.push_back(MomentsRow(absl::StrCat("observations[", i, "]"), summary.observation[i]));
  }
  for (size_t i = 0; i < summary.action.size(); ++i) {
    rows.push_back(MomentsRow(absl::StrCat("actions[", i, "]"), summary.action[i]));
  }
  rows.push_back(MomentsRow("rewards", summary.reward));
  rows.push_back(MomentsRow("return of an episode", summary.episode_return));
  std::fputs(FormatTable(rows).c_str(), stdout);
  const auto& quartiles = summary.return_quartiles;
  std::printf("\nReturns of episodes (quartiles %.4g, %.4g, %.4g)\n%s", quartiles[0], quartiles[1],
              quartiles[2], FormatHistogram(summary.returns).c_str());
  std::printf("\nRewards\n%s", FormatHistogram(summary.rewards).c_str());
  if (!summary.first_bad) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      path, ": ", summary.bad_rows, " bad rows (in none of these figures); the first is ",
      reader.Where(summary.first_bad->row), ": ", summary.first_bad->why));
}

}  // namespace

Command DatasetDescribeCommand() {
  return {.name = "dataset describe",
          .arguments = "FILE",
          .summary = "Rows, episodes, moments, returns, rewards and the first bad row of a dataset",
          .details =
              "FILE is HDF5 in D4RL's layout or in Minari's; a folder is a Minari dataset. Fails "
              "where\n"
              "it holds a row that no learner should see: a number that is not finite, an action\n"
              "outside [-1, 1].",
          .prepare = [](Flags&) -> Command::Run {
            return [](const std::vector<std::string>& arguments) { return Describe(arguments[0]); };
          }};
}

}  // namespace estuary::cli
