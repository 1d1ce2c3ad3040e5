// The figures of the reports, made of what runs left.
#pragma once

#include <string>
#include <vector>

#include "cli/report/figure.h"
#include "cli/report/run_data.h"

namespace estuary::cli {

// A colour that an algorithm keeps in every figure.
std::string AlgorithmColor(const std::string& algorithm);

// Mean return over gradient steps, in both dynamics.
Figure ReturnsFigure(const RunData& run);
// The same in one of the two, for several runs.
Figure ReturnsFigure(const std::vector<RunData>& runs, const std::string& dynamics);
// The median over `runs` of their mean returns in one dynamics, wherever all of them were
// evaluated.
Series MedianReturns(const std::vector<RunData>& runs, const std::string& dynamics);
// The colour of the i-th curve where curves are no algorithms.
std::string SeriesColor(size_t i);
// One figure a family of metrics ("u/mean" and "u/max" are one), most telling first.
std::vector<Figure> MetricFigures(const RunData& run);
// One metric of several runs; those without it are left out.
Figure MetricFigure(const std::vector<RunData>& runs, const std::string& metric, Figure figure);
// One dimension of the observation over the time of the drives.
Figure DriveFigure(const std::vector<RunData>& runs, int dimension, Figure figure);

}  // namespace estuary::cli
