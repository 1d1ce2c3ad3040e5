#include "cli/gap/gap_figures.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/progress/format.h"
#include "cli/report/spread.h"

namespace estuary::cli {
namespace {

constexpr int kBins = 14;
// Quartiles of fewer say nothing.
constexpr size_t kLeastInBin = 20;
// Speeds beyond are too rare for a bin.
constexpr double kTail = 0.005;
// The log ratio lies within +-4, twice what 2 tanh allows one logit.
constexpr double kLogRatioBound = 4;
constexpr int kLogRatioBins = 48;
// From the first stage to the last.
constexpr const char* kStageColors[] = {"#adb5bd", "#74c0fc", "#339af0",
                                        "#1971c2", "#1864ab", "#0b2545"};
constexpr char kSimColor[] = "#e8590c";
constexpr char kRealColor[] = "#0b7285";

std::string StageColor(size_t stage, size_t stages) {
  const size_t last = std::size(kStageColors) - 1;
  return kStageColors[stages < 2 ? last : stage * last / (stages - 1)];
}

std::string StageTitle(const GapStage& stage) {
  return absl::StrCat("after ", WithCommas(stage.gradient_steps), " steps");
}

struct Bin {
  double speed = 0;
  size_t count = 0;
  double low = 0, median = 0, high = 0;
};

// The simulated transitions sorted into bins by their forward speed.
class SpeedBins {
 public:
  static std::optional<SpeedBins> Of(const GapData& data, const worlds::TaskSpec& task) {
    for (size_t i = 0; i < task.observation_names.size(); ++i) {
      const std::string& name = task.observation_names[i];
      if (absl::StartsWith(name, "x_velocity") || absl::StartsWith(name, "speed")) {
        return SpeedBins(data, static_cast<int>(i));
      }
    }
    return std::nullopt;
  }

  // Quartiles in each bin that holds enough.
  std::vector<Bin> Quartiles(const std::vector<float>& values) const {
    std::vector<Bin> bins;
    for (size_t b = 0; b < members_.size(); ++b) {
      if (members_[b].size() < kLeastInBin) continue;
      std::vector<double> inside;
      for (const size_t row : members_[b]) inside.push_back(values[row]);
      bins.push_back({.speed = low_ + (static_cast<double>(b) + 0.5) * width_,
                      .count = inside.size(),
                      .low = Quantile(inside, 0.25),
                      .median = Quantile(inside, 0.5),
                      .high = Quantile(inside, 0.75)});
    }
    return bins;
  }

 private:
  SpeedBins(const GapData& data, int dimension) : members_(kBins) {
    std::vector<double> speeds;
    for (size_t i = 0; i < data.simulated; ++i) {
      speeds.push_back(data.observations[i * data.observation_dim + dimension]);
    }
    low_ = Quantile(speeds, kTail);
    width_ = (Quantile(speeds, 1 - kTail) - low_) / kBins;
    if (!(width_ > 0)) return;
    for (size_t i = 0; i < speeds.size(); ++i) {
      const double bin = std::floor((speeds[i] - low_) / width_);
      if (bin >= 0 && bin < kBins) members_[static_cast<size_t>(bin)].push_back(i);
    }
  }

  double low_ = 0;
  double width_ = 0;
  std::vector<std::vector<size_t>> members_;
};

// Medians at every stage, and the last one's quartiles as a band.
Figure AgainstSpeed(const GapData& data, const SpeedBins& bins,
                    std::vector<float> GapStage::*measure, Figure figure) {
  for (size_t i = 0; i < data.stages.size(); ++i) {
    const GapStage& stage = data.stages[i];
    if ((stage.*measure).empty()) continue;
    Series series{.title = StageTitle(stage), .color = StageColor(i, data.stages.size())};
    series.markers = true;
    for (const Bin& bin : bins.Quartiles(stage.*measure)) {
      series.points.emplace_back(bin.speed, bin.median);
      if (i + 1 == data.stages.size()) series.band.push_back({bin.speed, bin.low, bin.high});
    }
    if (!series.points.empty()) figure.series.push_back(std::move(series));
  }
  return figure;
}

// Of values [first, last), as an outline of per cents a bin.
Series LogRatios(const std::vector<float>& values, size_t first, size_t last) {
  std::vector<double> counts(kLogRatioBins, 0);
  const double width = 2 * kLogRatioBound / kLogRatioBins;
  for (size_t i = first; i < last; ++i) {
    const double bin = std::floor((values[i] + kLogRatioBound) / width);
    counts[static_cast<size_t>(std::clamp(bin, 0.0, kLogRatioBins - 1.0))] += 1;
  }
  Series series{.title = ""};
  for (int b = 0; b < kLogRatioBins; ++b) {
    const double share = 100 * counts[b] / static_cast<double>(std::max<size_t>(last - first, 1));
    series.points.emplace_back(-kLogRatioBound + b * width, share);
    series.points.emplace_back(-kLogRatioBound + (b + 1) * width, share);
  }
  return series;
}

Figure LogRatioFigure(const GapData& data) {
  Figure figure{.title = "the log ratio (DARC's Δr)",
                .x_label = "log of real over simulated dynamics",
                .y_label = "% of transitions"};
  const auto add = [&](const GapStage& stage, const char* whose, size_t first, size_t last,
                       const char* color, bool dashed) {
    if (stage.log_ratio.empty() || first == last) return;
    Series series = LogRatios(stage.log_ratio, first, last);
    series.title = absl::StrCat(whose, ", ", WithCommas(stage.gradient_steps), " steps");
    series.color = color;
    series.dashed = dashed;
    figure.series.push_back(std::move(series));
  };
  const size_t stages = data.stages.size();
  // The first is of untrained nets, the second has seen a little.
  std::vector<size_t> shown = {stages - 1};
  if (stages > 2) shown.insert(shown.begin(), 1);
  for (const size_t stage : shown) {
    const bool early = stage + 1 < stages;
    add(data.stages[stage], "simulated", 0, data.simulated, kSimColor, early);
    add(data.stages[stage], "recorded", data.simulated, data.size(), kRealColor, early);
  }
  return figure;
}

}  // namespace

std::vector<GapFigure> GapFigures(const GapData& data, const worlds::TaskSpec& task) {
  std::vector<GapFigure> figures;
  if (data.stages.empty()) return figures;
  const auto add = [&](const std::string& name, Figure figure) {
    if (!figure.series.empty()) figures.push_back({.name = name, .figure = std::move(figure)});
  };
  if (const std::optional<SpeedBins> bins = SpeedBins::Of(data, task)) {
    add("gap", AgainstSpeed(data, *bins, &GapStage::u,
                            {.title = "gap u of simulated transitions",
                             .x_label = "forward speed, m/s (band: quartiles at the end)",
                             .y_label = "median u"}));
    add("q", AgainstSpeed(data, *bins, &GapStage::q,
                          {.title = "Q of simulated transitions",
                           .x_label = "forward speed, m/s (band: quartiles at the end)",
                           .y_label = "median Q"}));
  }
  add("log_ratio", LogRatioFigure(data));
  return figures;
}

std::string GapCsv(const GapData& data, const worlds::TaskSpec& task) {
  std::string text = "gradient_steps,speed,transitions,measure,low_quartile,median,high_quartile\n";
  const std::optional<SpeedBins> bins = SpeedBins::Of(data, task);
  if (!bins) return text;
  for (const GapStage& stage : data.stages) {
    const auto add = [&](const char* name, const std::vector<float>& values) {
      if (values.empty()) return;
      for (const Bin& bin : bins->Quartiles(values)) {
        absl::StrAppendFormat(&text, "%d,%.4g,%d,%s,%.6g,%.6g,%.6g\n", stage.gradient_steps,
                              bin.speed, bin.count, name, bin.low, bin.median, bin.high);
      }
    };
    add("u", stage.u);
    add("q", stage.q);
  }
  return text;
}

}  // namespace estuary::cli
