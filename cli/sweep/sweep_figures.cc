#include "cli/sweep/sweep_figures.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/gap/gap_data.h"
#include "cli/gap/gap_figures.h"
#include "cli/report/curves.h"
#include "cli/report/episode_figures.h"
#include "cli/report/film_strip.h"
#include "common/process/status.h"
#include "worlds/world.h"

namespace estuary::cli {
namespace {

// The seed in the middle by return in reality (of two the worse one): what its column usually does.
std::optional<SeedScore> MedianSeed(const CellResult& cell) {
  if (cell.seeds.empty()) return std::nullopt;
  std::vector<SeedScore> seeds = cell.seeds;
  std::sort(seeds.begin(), seeds.end(),
            [](const SeedScore& a, const SeedScore& b) { return a.real < b.real; });
  return seeds[(seeds.size() - 1) / 2];
}

std::string WhichSeed(const CellResult& cell, const SeedScore& seed) {
  return cell.seeds.size() == 1
             ? absl::StrCat("seed ", seed.seed)
             : absl::StrCat("seed ", seed.seed, ", the median of ", cell.seeds.size());
}

class RowDrawer {
 public:
  RowDrawer(const SweepResults& results, size_t row, Plotter& plotter)
      : results_(results), cells_(results.cells[row]), plotter_(plotter) {}

  absl::StatusOr<std::vector<NamedFigure>> Draw() {
    for (const char* dynamics : {"real", "sim"}) ESTUARY_RETURN_IF_ERROR(DrawReturns(dynamics));
    ESTUARY_RETURN_IF_ERROR(DrawEpisodes());
    DrawStrips();
    ESTUARY_RETURN_IF_ERROR(DrawGaps());
    return std::move(figures_);
  }

 private:
  const std::string& label() const { return cells_[0].row; }
  const RunData& run(const SeedScore& seed) const { return results_.runs[seed.run]; }

  absl::Status Add(const std::string& name, const Figure& figure) {
    if (figure.series.empty()) return absl::OkStatus();
    ESTUARY_ASSIGN_OR_RETURN(std::string svg, plotter_.Draw(figure));
    figures_.push_back({.name = absl::StrCat(Slug(label()), "-", name),
                        .title = figure.title,
                        .svg = std::move(svg)});
    return absl::OkStatus();
  }

  absl::Status DrawReturns(const std::string& dynamics) {
    size_t most = 0;
    for (const CellResult& cell : cells_) most = std::max(most, cell.seeds.size());
    Figure figure{.title = absl::StrCat(label(), ": return in ",
                                        dynamics == "real" ? "reality" : "simulation"),
                  .x_label = "thousand gradient steps",
                  .y_label = most > 1 ? "mean over seeds, ± std" : "return, one seed"};
    for (size_t c = 0; c < cells_.size(); ++c) {
      std::vector<RunData> runs;
      for (const SeedScore& seed : cells_[c].seeds) runs.push_back(run(seed));
      AddSeries(c, MeanReturns(runs, dynamics), figure);
    }
    return Add("return_" + dynamics, figure);
  }

  absl::Status DrawEpisodes() {
    const auto first = std::find_if(cells_.begin(), cells_.end(),
                                    [](const CellResult& cell) { return !cell.seeds.empty(); });
    if (first == cells_.end()) return absl::OkStatus();
    for (EpisodePanel& panel : EpisodePanels(run(first->seeds[0]).experiment.task())) {
      const std::string name = Slug(panel.figure.title);
      Figure figure = std::move(panel.figure);
      figure.title = absl::StrCat(label(), ": ", absl::AsciiStrToLower(figure.title),
                                  " in one episode in reality");
      for (size_t c = 0; c < cells_.size(); ++c) {
        const std::optional<SeedScore> seed = MedianSeed(cells_[c]);
        if (!seed || !run(*seed).episode) continue;
        AddSeries(c, panel.series_of(run(*seed).episode->track), figure);
      }
      ESTUARY_RETURN_IF_ERROR(Add(name, figure));
    }
    return absl::OkStatus();
  }

  void DrawStrips() {
    for (size_t c = 0; c < cells_.size(); ++c) {
      const std::optional<SeedScore> seed = MedianSeed(cells_[c]);
      if (!seed || !run(*seed).episode) continue;
      const RecordedEpisode& episode = *run(*seed).episode;
      const auto task = worlds::FindTask(run(*seed).experiment.task());
      const auto path = task.ok() ? PathOf(episode.track, *task) : std::nullopt;
      if (!path) continue;
      const std::string title =
          absl::StrFormat("%s, %s (%s): %s, %.1f s", label(), cells_[c].column,
                          WhichSeed(cells_[c], *seed), episode.end, episode.seconds);
      figures_.push_back({.name = absl::StrCat(Slug(label()), "-", Slug(cells_[c].column), "-film"),
                          .title = title,
                          .svg = FilmStrip(*path, {.caption = title, .color = SeriesColor(c)}),
                          .wide = true});
    }
  }

  absl::Status DrawGaps() {
    for (const CellResult& cell : cells_) {
      const std::optional<SeedScore> seed = MedianSeed(cell);
      if (!seed) continue;
      const std::string path = absl::StrCat(run(*seed).folder, "/", kGapFile);
      std::error_code error;
      if (!std::filesystem::exists(path, error)) continue;
      ESTUARY_ASSIGN_OR_RETURN(const GapData data, ReadGapData(path));
      ESTUARY_ASSIGN_OR_RETURN(const worlds::TaskSpec task,
                               worlds::FindTask(run(*seed).experiment.task()));
      const size_t before = figures_.size();
      for (GapFigure& gap : GapFigures(data, task)) {
        gap.figure.title =
            absl::StrCat(cell.column, ", ", WhichSeed(cell, *seed), ": ", gap.figure.title);
        ESTUARY_RETURN_IF_ERROR(Add(absl::StrCat(Slug(cell.column), "-", gap.name), gap.figure));
      }
      if (figures_.size() > before) figures_[before].csv = GapCsv(data, task);
    }
    return absl::OkStatus();
  }

  void AddSeries(size_t column, Series series, Figure& figure) const {
    if (series.points.empty()) return;
    series.title = cells_[column].column;
    series.color = SeriesColor(column);
    series.dashed = SeriesDashed(column);
    figure.series.push_back(std::move(series));
  }

  const SweepResults& results_;
  const std::vector<CellResult>& cells_;
  Plotter& plotter_;
  std::vector<NamedFigure> figures_;
};

}  // namespace

absl::StatusOr<std::vector<NamedFigure>> RowFigures(const SweepResults& results, size_t row,
                                                    Plotter& plotter) {
  return RowDrawer(results, row, plotter).Draw();
}

}  // namespace estuary::cli
