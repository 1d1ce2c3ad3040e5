// Figures of episodes in reality: drives of the robot, or what evaluations recorded.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/report/figure.h"
#include "cli/report/run_data.h"
#include "cli/track/track.h"

namespace estuary::cli {

// One dimension of the observation over an episode's time.
Series ObservedSeries(const Track& track, int dimension);
// The reward added up (the paper's Figure 5); no points where the track has no rewards.
Series CumulativeReward(const Track& track);

// A figure without series, and what of a track belongs into it.
struct EpisodePanel {
  Figure figure;
  std::function<Series(const Track&)> series_of;
};
// A robot's tilt and its position or speed (Figure 2), and any task's cumulative reward.
std::vector<EpisodePanel> EpisodePanels(const std::string& task);

// The panel with each run's episode, where it has one.
Figure EpisodeFigure(const std::vector<RunData>& runs, const EpisodePanel& panel);

// The robot under each run's policy, as film strips (film_strip.h); none for other tasks.
std::vector<std::string> FilmStrips(const std::vector<RunData>& runs);

}  // namespace estuary::cli
