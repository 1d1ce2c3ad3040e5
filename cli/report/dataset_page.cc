#include "cli/report/dataset_page.h"

#include <cmath>
#include <filesystem>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "cli/progress/format.h"
#include "cli/report/figure.h"
#include "cli/report/page.h"
#include "common/dataset/summary.h"
#include "common/process/files.h"
#include "common/process/status.h"

namespace estuary::cli {
namespace {

constexpr int kBins = 60;
constexpr char kColor[] = "#0b7285";

std::string Number(double value) {
  return std::abs(value) < 1000 ? absl::StrFormat("%.4g", value) : absl::StrFormat("%.0f", value);
}

// An outline of per cents a bin.
Figure HistogramFigure(const dataset::Histogram& histogram, Figure figure) {
  uint64_t total = 0;
  for (const uint64_t count : histogram.counts) total += count;
  if (total == 0) return figure;
  const double width =
      (histogram.high - histogram.low) / static_cast<double>(histogram.counts.size());
  Series series{.title = "", .color = kColor};
  series.points.emplace_back(histogram.low, 0);
  for (size_t i = 0; i < histogram.counts.size(); ++i) {
    const double left = histogram.low + static_cast<double>(i) * width;
    const double share =
        100 * static_cast<double>(histogram.counts[i]) / static_cast<double>(total);
    series.points.emplace_back(left, share);
    series.points.emplace_back(left + width, share);
    series.band.push_back({left, 0, share});
    series.band.push_back({left + width, 0, share});
  }
  series.points.emplace_back(histogram.high, 0);
  figure.series.push_back(std::move(series));
  return figure;
}

std::vector<std::string> Row(const std::string& name, const dataset::Summary& summary) {
  const auto moments = [](const dataset::Moments& m) {
    return absl::StrCat(Number(m.mean), " ± ", Number(m.std));
  };
  return {
      name,
      WithCommas(summary.info.rows),
      WithCommas(summary.episodes),
      WithCommas(summary.terminals),
      moments(summary.reward),
      absl::StrCat(Number(summary.reward.min), " to ", Number(summary.reward.max)),
      moments(summary.episode_return),
      absl::StrCat(Number(summary.return_quartiles[0]), ", ", Number(summary.return_quartiles[1]),
                   ", ", Number(summary.return_quartiles[2]))};
}

}  // namespace

bool NamesADataset(const std::string& path) {
  return absl::EndsWith(path, ".h5") || absl::EndsWith(path, ".hdf5");
}

absl::Status WriteDatasetReport(const std::vector<std::string>& paths, const std::string& output) {
  Plotter plotter;
  std::vector<std::vector<std::string>> table = {{"dataset", "transitions", "episodes", "terminal",
                                                  "reward", "from … to", "return of an episode",
                                                  "its quartiles"}};
  std::vector<std::string> svgs;
  ESTUARY_RETURN_IF_ERROR(process::CreateDirectories(output));
  std::string markdown = "# Datasets\n";
  std::string images;
  for (const std::string& path : paths) {
    ESTUARY_ASSIGN_OR_RETURN(const dataset::Reader reader, dataset::Reader::Open(path));
    ESTUARY_ASSIGN_OR_RETURN(const dataset::Summary summary, dataset::Summarize(reader, kBins));
    const std::string name = std::filesystem::path(path).stem().string();
    table.push_back(Row(name, summary));
    const std::pair<const char*, Figure> figures[] = {
        {"rewards", HistogramFigure(summary.rewards, {.title = name + ": single rewards",
                                                      .x_label = "reward",
                                                      .y_label = "% of transitions"})},
        {"returns", HistogramFigure(summary.returns, {.title = name + ": returns of episodes",
                                                      .x_label = "return",
                                                      .y_label = "% of episodes"})}};
    for (const auto& [kind, figure] : figures) {
      ESTUARY_ASSIGN_OR_RETURN(const std::string svg, plotter.Draw(figure));
      const std::string file = absl::StrCat(name, "-", kind, ".svg");
      ESTUARY_RETURN_IF_ERROR(process::WriteFileAtomically(absl::StrCat(output, "/", file), svg));
      absl::StrAppend(&images, "\n![", figure.title, "](", file, ")\n");
      svgs.push_back(svg);
    }
  }
  Page page("Datasets", absl::StrJoin(paths, ", "));
  page.Table(table);
  page.Figures(svgs);
  absl::StrAppend(&markdown, "\n", MarkdownTable(table, /*left=*/1), images);
  ESTUARY_RETURN_IF_ERROR(process::WriteFileAtomically(output + "/report.html", page.Html()));
  return process::WriteFileAtomically(output + "/table.md", markdown);
}

}  // namespace estuary::cli
