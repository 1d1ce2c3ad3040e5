#include "cli/progress/format.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace estuary::cli {
namespace {

constexpr int kBarWidth = 20;
constexpr absl::Duration kRateOver = absl::Seconds(10);

// Columns that UTF-8 text of narrow characters takes.
int Columns(const std::string& text) {
  return static_cast<int>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) >> 6) != 2; }));
}

std::string Cut(const std::string& text, int width) {
  if (width <= 0 || Columns(text) <= width) return text;
  size_t bytes = 0;
  for (int columns = 0; bytes < text.size(); ++bytes) {
    const bool starts = (static_cast<unsigned char>(text[bytes]) >> 6) != 2;
    if (starts && columns++ == width) break;
  }
  return text.substr(0, bytes);
}

}  // namespace

void RateMeter::Add(absl::Time now, double count) {
  if (!counts_.empty() && (count < counts_.back().second || now < counts_.back().first)) {
    counts_.clear();
  }
  counts_.emplace_back(now, count);
  while (counts_.size() > 2 && now - counts_[1].first >= kRateOver) counts_.pop_front();
}

double RateMeter::rate() const {
  if (counts_.size() < 2 || counts_.back().first <= counts_.front().first) return 0;
  return (counts_.back().second - counts_.front().second) /
         absl::ToDoubleSeconds(counts_.back().first - counts_.front().first);
}

std::string WithCommas(uint64_t number) {
  const std::string digits = absl::StrCat(number);
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string Short(double number) {
  if (!std::isfinite(number)) return absl::StrCat(number);
  const double size = std::abs(number);
  if (size >= 999.5e3) return absl::StrFormat("%.3gM", number / 1e6);
  if (size >= 999.5) return absl::StrFormat("%.3gk", number / 1e3);
  return absl::StrFormat("%.3g", number);
}

std::string Clock(absl::Duration duration) {
  if (duration == absl::InfiniteDuration()) return "?";
  const int64_t seconds =
      std::max<int64_t>(0, absl::ToInt64Seconds(duration + absl::Milliseconds(500)));
  if (seconds >= 3600) {
    return absl::StrFormat("%d:%02d:%02d", seconds / 3600, seconds / 60 % 60, seconds % 60);
  }
  return absl::StrFormat("%d:%02d", seconds / 60, seconds % 60);
}

std::string Bar(double fraction, int width, bool unicode) {
  fraction = std::clamp(std::isfinite(fraction) ? fraction : 0.0, 0.0, 1.0);
  static constexpr const char* kEighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const int eighths = static_cast<int>(fraction * width * 8);
  const int full = eighths / 8;
  std::string bar;
  for (int i = 0; i < full; ++i) bar += unicode ? "█" : "#";
  int used = full;
  if (unicode && eighths % 8 != 0) {
    bar += kEighths[eighths % 8];
    ++used;
  }
  return absl::StrCat("[", bar, std::string(width - used, ' '), "]");
}

absl::Duration TimeLeft(const TrainingState& state) {
  if (state.done >= state.total) return absl::ZeroDuration();
  if (!(state.gradient_steps_per_second > 0)) return absl::InfiniteDuration();
  return absl::Seconds(static_cast<double>(state.total - state.done) /
                       state.gradient_steps_per_second);
}

std::string ProgressLine(const TrainingState& state, bool terminal, int width) {
  const double fraction =
      state.total == 0 ? 0 : static_cast<double>(state.done) / static_cast<double>(state.total);
  std::string line;
  if (terminal) absl::StrAppend(&line, Bar(fraction, kBarWidth, /*unicode=*/true), " ");
  absl::StrAppend(&line, absl::StrFormat("%3.0f%% ", std::floor(100 * fraction)),
                  WithCommas(state.done), "/", WithCommas(state.total));
  if (state.phase != "training") absl::StrAppend(&line, " | ", state.phase);
  if (!state.waiting.empty()) {
    absl::StrAppend(&line, state.phase == "training" ? " | " : ": ", state.waiting);
  }
  if (state.phase == "training") {
    absl::StrAppend(&line, " | ", Short(state.gradient_steps_per_second), " updates/s");
    if (state.environment_steps_per_second > 0) {
      absl::StrAppend(&line, " | ", Short(state.environment_steps_per_second), " steps/s");
    }
  }
  if (state.real_return || state.sim_return) {
    line += " | return";
    if (state.real_return) absl::StrAppend(&line, " real ", Short(*state.real_return));
    if (state.sim_return) absl::StrAppend(&line, " sim ", Short(*state.sim_return));
  }
  if (state.gap) absl::StrAppend(&line, " | gap u ", Short(*state.gap));
  if (state.phase == "training") absl::StrAppend(&line, " | ", Clock(TimeLeft(state)), " left");
  return terminal ? Cut(line, width) : line;
}

}  // namespace estuary::cli
