#include "cli/report/episode_figures.h"

#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "cli/report/curves.h"
#include "cli/report/film_strip.h"
#include "cli/report/report.h"
#include "worlds/wheel_legged/reward.h"
#include "worlds/world.h"

namespace estuary::cli {

using worlds::wheel_legged::kAreaHalfWidth;

Series ObservedSeries(const Track& track, int dimension) {
  Series series{.title = ""};
  series.width = 1.5;
  for (size_t i = 0; i < track.size(); ++i) {
    series.points.emplace_back(track.time[i], track.Observation(i, dimension));
  }
  series.points = Thin(std::move(series.points));
  return series;
}

Series CumulativeReward(const Track& track) {
  Series series{.title = ""};
  series.width = 1.5;
  double sum = 0;
  for (size_t i = 0; i < track.rewards.size(); ++i) {
    if (track.IsGap(i)) continue;
    sum += track.rewards[i];
    series.points.emplace_back(track.time[i], sum);
  }
  series.points = Thin(std::move(series.points));
  return series;
}

Figure EpisodeFigure(const std::vector<RunData>& runs, const EpisodePanel& panel) {
  Figure figure = panel.figure;
  std::set<std::string> named;
  for (const RunData& run : runs) {
    if (!run.episode) continue;
    Series series = panel.series_of(run.episode->track);
    if (series.points.empty()) continue;
    if (named.insert(run.algorithm()).second) series.title = AlgorithmTitle(run);
    series.color = AlgorithmColor(run.algorithm());
    figure.series.push_back(std::move(series));
  }
  return figure;
}

std::vector<std::string> FilmStrips(const std::vector<RunData>& runs) {
  std::vector<std::string> strips;
  for (const RunData& run : runs) {
    const absl::StatusOr<worlds::TaskSpec> task = worlds::FindTask(run.experiment.task());
    if (!run.episode || !task.ok()) continue;
    const std::optional<RobotPath> path = PathOf(run.episode->track, *task);
    if (!path) continue;
    strips.push_back(FilmStrip(
        *path,
        {.caption = absl::StrFormat("%s, seed %d: %s, %.1f s", AlgorithmTitle(run),
                                    run.experiment.seed(), run.episode->end, run.episode->seconds),
         .color = AlgorithmColor(run.algorithm())}));
  }
  return strips;
}

std::vector<EpisodePanel> EpisodePanels(const std::string& task) {
  const absl::StatusOr<worlds::TaskSpec> spec = worlds::FindTask(task);
  if (!spec.ok()) return {};
  std::vector<EpisodePanel> panels;
  const auto observed = [&](int dimension, Figure figure) {
    panels.push_back({std::move(figure), [dimension](const Track& track) {
                        return ObservedSeries(track, dimension);
                      }});
  };
  if (absl::StartsWith(spec->observation_names[0], "pitch")) {
    observed(
        0,
        {.title = "Tilt", .x_label = "seconds", .y_label = "pitch, rad", .y_range = "[-0.4:0.4]"});
    if (absl::StartsWith(spec->observation_names[2], "x ")) {
      observed(2, {.title = "Position",
                   .x_label = "seconds",
                   .y_label = "x, m",
                   .y_range = "[-0.6:0.6]",
                   .levels = {{kAreaHalfWidth, "the area's border"}, {-kAreaHalfWidth, ""}}});
    } else {
      observed(2, {.title = "Speed",
                   .x_label = "seconds",
                   .y_label = "m/s",
                   .levels = {{0.2, "the speed asked for"}}});
    }
  }
  panels.push_back(
      {{.title = "Cumulative reward", .x_label = "seconds", .y_label = "return so far"},
       &CumulativeReward});
  return panels;
}

}  // namespace estuary::cli
