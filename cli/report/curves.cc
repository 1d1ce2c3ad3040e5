#include "cli/report/curves.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/report/report.h"
#include "cli/report/spread.h"

namespace estuary::cli {
namespace {

constexpr char kRealColor[] = "#0b7285";
constexpr char kSimColor[] = "#f08c00";
constexpr const char* kPalette[] = {"#0b7285", "#e8590c", "#5f3dc4", "#2b8a3e",
                                    "#c2255c", "#495057", "#1971c2", "#f08c00"};
// Points of a curve beyond which nothing more can be seen.
constexpr size_t kMostPoints = 1500;
constexpr size_t kMostSeries = 8;

struct Family {
  const char* prefix;
  const char* title;
  bool log_y;
};
// In this order; families that are not named here come after them.
constexpr Family kFamilies[] = {
    {"u", "Dynamics gap u of the simulated batch", true},
    {"q", "Value estimates", false},
    {"loss", "Losses", false},
    {"discriminator", "Discriminators' accuracy", false},
    {"ratio", "Dynamics ratio (weight of simulated errors)", false},
    {"omega", "Simulated pairs that the gap's weights let count", false},
    {"gradient_norm", "Gradient norms", true},
};
// What would only crowd a figure: the second critic does as the first, and bounds of clamped
// numbers say little.
bool Drawn(const std::string& metric) {
  return absl::StrContains(metric, '/') && !absl::StrContains(metric, "/q2") &&
         !absl::EndsWith(metric, "/min") && !absl::EndsWith(metric, "/log_mean") &&
         metric != "omega/max";
}

std::string Prefix(const std::string& metric) { return metric.substr(0, metric.find('/')); }

std::vector<std::pair<double, double>> Returns(const RunData& run, const std::string& dynamics) {
  std::vector<std::pair<double, double>> points;
  for (const EvaluationPoint& point : run.evaluations) {
    if (point.dynamics == dynamics && !point.returns.empty()) {
      points.emplace_back(point.gradient_steps / 1000, point.MeanReturn());
    }
  }
  std::sort(points.begin(), points.end());
  return points;
}

std::vector<std::pair<double, double>> Metric(const RunData& run, const std::string& name) {
  std::vector<std::pair<double, double>> points;
  for (const MetricPoint& point : run.metrics) {
    const auto value = point.values.find(name);
    if (value != point.values.end()) {
      points.emplace_back(point.gradient_steps / 1000, value->second);
    }
  }
  return Thin(std::move(points));
}

// A run's curve among others': the first of an algorithm is named in the key.
Series SeriesOf(const RunData& run, std::vector<std::pair<double, double>> points,
                std::set<std::string>& named) {
  const bool first = named.insert(run.algorithm()).second;
  return {.title = first ? AlgorithmTitle(run) : "",
          .color = AlgorithmColor(run.algorithm()),
          .points = std::move(points)};
}

Figure FamilyFigure(const RunData& run, const std::string& title, bool log_y,
                    const std::vector<std::string>& metrics) {
  Figure figure{.title = title, .x_label = "thousand gradient steps", .y_label = ""};
  figure.log_y = log_y;
  for (size_t i = 0; i < std::min(metrics.size(), kMostSeries); ++i) {
    Series series{.title = metrics[i], .color = kPalette[i], .points = Metric(run, metrics[i])};
    for (const auto& [x, y] : series.points) {
      if (!(y > 0)) figure.log_y = false;
    }
    series.width = 1.5;
    figure.series.push_back(std::move(series));
  }
  return figure;
}

}  // namespace

std::vector<std::pair<double, double>> Thin(std::vector<std::pair<double, double>> points) {
  const size_t stride = points.size() / kMostPoints + 1;
  if (stride == 1) return points;
  std::vector<std::pair<double, double>> thin;
  for (size_t i = 0; i < points.size(); ++i) {
    if (i % stride == 0 || !std::isfinite(points[i].first)) thin.push_back(points[i]);
  }
  return thin;
}

std::string AlgorithmColor(const std::string& algorithm) {
  if (absl::StartsWith(algorithm, "h2o")) return kPalette[0];
  if (algorithm == "sac") return kPalette[1];
  if (algorithm == "cql") return kPalette[2];
  if (absl::StartsWith(algorithm, "darc")) return kPalette[3];
  return kPalette[5];
}

Figure ReturnsFigure(const RunData& run) {
  Figure figure{.title = "Mean return of the deterministic policy",
                .x_label = "thousand gradient steps",
                .y_label = "return"};
  figure.series.push_back({.title = "in reality",
                           .color = kRealColor,
                           .points = Returns(run, "real"),
                           .markers = true});
  figure.series.push_back({.title = "in simulation",
                           .color = kSimColor,
                           .points = Returns(run, "sim"),
                           .dashed = true,
                           .markers = true});
  return figure;
}

Figure ReturnsFigure(const std::vector<RunData>& runs, const std::string& dynamics) {
  Figure figure{.title = dynamics == "real" ? "Return in reality, during training"
                                            : "Return in simulation, during training",
                .x_label = "thousand gradient steps",
                .y_label = "return"};
  std::set<std::string> named;
  for (const RunData& run : runs) {
    Series series = SeriesOf(run, Returns(run, dynamics), named);
    series.markers = true;
    series.dashed = dynamics == "sim";
    figure.series.push_back(std::move(series));
  }
  return figure;
}

Series MeanReturns(const std::vector<RunData>& runs, const std::string& dynamics) {
  std::map<double, std::vector<double>> at;
  for (const RunData& run : runs) {
    for (const auto& [steps, value] : Returns(run, dynamics)) at[steps].push_back(value);
  }
  Series series{.title = ""};
  for (const auto& [steps, values] : at) {
    if (values.size() != runs.size()) continue;
    const Spread spread = SpreadOf(values);
    series.points.emplace_back(steps, spread.mean);
    if (runs.size() < 2) continue;
    series.band.push_back({steps, spread.mean - spread.std, spread.mean + spread.std});
  }
  return series;
}

std::string SeriesColor(size_t i) { return kPalette[i % std::size(kPalette)]; }

bool SeriesDashed(size_t i) { return i >= std::size(kPalette); }

std::vector<Figure> MetricFigures(const RunData& run) {
  std::map<std::string, std::set<std::string>> families;
  for (const MetricPoint& point : run.metrics) {
    for (const auto& [name, value] : point.values) {
      if (Drawn(name)) families[Prefix(name)].insert(name);
    }
  }
  std::vector<Figure> figures;
  const auto add = [&](const std::string& prefix, const std::string& title, bool log_y) {
    const auto family = families.find(prefix);
    if (family == families.end()) return;
    figures.push_back(
        FamilyFigure(run, title, log_y, {family->second.begin(), family->second.end()}));
    families.erase(family);
  };
  for (const Family& family : kFamilies) add(family.prefix, family.title, family.log_y);
  while (!families.empty()) {
    const std::string prefix = families.begin()->first;
    add(prefix, prefix, /*log_y=*/false);
  }
  figures.push_back(
      FamilyFigure(run, "Entropy and temperature", /*log_y=*/false, {"entropy", "alpha"}));
  return figures;
}

Figure MetricFigure(const std::vector<RunData>& runs, const std::string& metric, Figure figure) {
  std::set<std::string> named;
  for (const RunData& run : runs) {
    std::vector<std::pair<double, double>> points = Metric(run, metric);
    if (points.empty()) continue;
    figure.series.push_back(SeriesOf(run, std::move(points), named));
  }
  return figure;
}

}  // namespace estuary::cli
