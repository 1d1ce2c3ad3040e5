// The figures of the reports, made of what runs left.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cli/report/figure.h"
#include "cli/report/run_data.h"

namespace estuary::cli {

// Fewer points where there are more than can be seen; gaps stay.
std::vector<std::pair<double, double>> Thin(std::vector<std::pair<double, double>> points);

// A colour that an algorithm keeps in every figure.
std::string AlgorithmColor(const std::string& algorithm);

// Mean return over gradient steps, in both dynamics.
Figure ReturnsFigure(const RunData& run);
// The same in one of the two, for several runs.
Figure ReturnsFigure(const std::vector<RunData>& runs, const std::string& dynamics);
// The mean over `runs` of their mean returns in one dynamics, wherever all of them were evaluated,
// with a band of one standard deviation to either side where there are several.
Series MeanReturns(const std::vector<RunData>& runs, const std::string& dynamics);
// The colour of the i-th curve where curves are no algorithms. Beyond the eighth they come again,
// dashed.
std::string SeriesColor(size_t i);
bool SeriesDashed(size_t i);
// One figure a family of metrics ("u/mean" and "u/max" are one), most telling first.
std::vector<Figure> MetricFigures(const RunData& run);
// One metric of several runs; those without it are left out.
Figure MetricFigure(const std::vector<RunData>& runs, const std::string& metric, Figure figure);

}  // namespace estuary::cli
