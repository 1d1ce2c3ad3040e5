// How a training looks in one line: numbers for people, a bar, the time left. Text in, text out.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>

#include "absl/time/time.h"

namespace estuary::cli {

// Where a training stands.
struct TrainingState {
  // What the run does now: "importing", "training", "evaluating".
  std::string phase = "";
  // Whom it waits for, if anyone.
  std::string waiting = "";
  uint64_t done = 0;
  uint64_t total = 0;
  double gradient_steps_per_second = 0;
  double environment_steps_per_second = 0;
  // Newest evaluation; nothing before the first.
  std::optional<double> real_return = std::nullopt;
  std::optional<double> sim_return = std::nullopt;
  // The mean dynamics gap of the newest batch; nothing where the algorithm has none.
  std::optional<double> gap = std::nullopt;
};

// Steps a second over the last while, steadier than the newest moment's.
class RateMeter {
 public:
  // `count` at `now`; grows, or has been started anew.
  void Add(absl::Time now, double count);
  // 0 until two counts are known.
  double rate() const;

 private:
  std::deque<std::pair<absl::Time, double>> counts_;
};

// "12,345".
std::string WithCommas(uint64_t number);
// Three significant digits and a unit: "950", "12.3k", "1.20M".
std::string Short(double number);
// "1:02:03", "2:03"; "?" for an infinite one.
std::string Clock(absl::Duration duration);
// `width` characters between brackets, in eighths of a character where `unicode`.
std::string Bar(double fraction, int width, bool unicode);

// Time until `done` reaches `total` at the rate of late; infinite without a rate.
absl::Duration TimeLeft(const TrainingState& state);

// "[#####     ] 52% 26,000/50,000 | 812 updates/s | 803 steps/s | real 15.2k sim 120k | gap 0.31 |
// 0:31 left", cut to `width` columns where width is not 0. The bar is left out without a terminal.
std::string ProgressLine(const TrainingState& state, bool terminal, int width);

}  // namespace estuary::cli
