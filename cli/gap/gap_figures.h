// Figures of the dynamics gap as a run's checkpoints measure it: u and Q against the robot's speed
// at several stages of training (the paper's Figure 3), and the log ratio's distribution, which is
// DARC's reward correction.
#pragma once

#include <string>
#include <vector>

#include "cli/gap/gap_data.h"
#include "cli/report/figure.h"
#include "worlds/world.h"

namespace estuary::cli {

struct GapFigure {
  // "gap", "q", "log_ratio".
  std::string name;
  Figure figure;
};

// Those that the data allow: the first two need a task that observes its speed, the first an
// algorithm with u.
std::vector<GapFigure> GapFigures(const GapData& data, const worlds::TaskSpec& task);

// A line for each stage and bin of speed: quartiles of u and of Q over the simulated transitions.
std::string GapCsv(const GapData& data, const worlds::TaskSpec& task);

}  // namespace estuary::cli
