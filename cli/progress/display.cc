#include "cli/progress/display.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace estuary::cli {
namespace {

constexpr absl::Duration kRedraw = absl::Milliseconds(200);
constexpr absl::Duration kPlain = absl::Seconds(5);

bool IsTerminal() {
  const char* term = std::getenv("TERM");
  return isatty(STDERR_FILENO) && term != nullptr && std::strcmp(term, "dumb") != 0;
}

int TerminalWidth() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

}  // namespace

Display::Display(std::vector<std::string> names)
    : names_(std::move(names)),
      terminal_(IsTerminal()),
      lines_(names_.size()),
      printed_(names_.size()),
      printed_at_(names_.size(), absl::InfinitePast()) {}

Display::~Display() { Flush(); }

void Display::Update(size_t i, const TrainingState& state) {
  size_t longest = 0;
  for (const std::string& name : names_) longest = std::max(longest, name.size());
  std::string prefix;
  if (names_.size() > 1) {
    prefix = absl::StrCat(names_[i], std::string(longest - names_[i].size() + 1, ' '));
  }
  const int width = terminal_ ? TerminalWidth() - 1 - static_cast<int>(prefix.size()) : 0;
  const absl::Time now = absl::Now();
  absl::MutexLock lock(&mutex_);
  lines_[i] = absl::StrCat(prefix, ProgressLine(state, terminal_, width));
  if (terminal_) {
    if (now - drawn_at_ >= kRedraw) {
      Erase();
      Draw();
      drawn_at_ = now;
    }
  } else if (now - printed_at_[i] >= kPlain && lines_[i] != printed_[i]) {
    std::fprintf(stderr, "%s\n", lines_[i].c_str());
    printed_[i] = lines_[i];
    printed_at_[i] = now;
  }
}

void Display::Say(const std::string& text) {
  absl::MutexLock lock(&mutex_);
  Erase();
  std::fprintf(stderr, "%s\n", text.c_str());
  Draw();
}

void Display::Flush() {
  absl::MutexLock lock(&mutex_);
  if (terminal_) {
    Erase();
    Draw();
    drawn_lines_ = 0;
    for (std::string& line : lines_) line.clear();
    return;
  }
  for (size_t i = 0; i < lines_.size(); ++i) {
    if (!lines_[i].empty() && lines_[i] != printed_[i]) {
      std::fprintf(stderr, "%s\n", lines_[i].c_str());
      printed_[i] = lines_[i];
    }
  }
}

void Display::Draw() {
  if (!terminal_) return;
  for (const std::string& line : lines_) {
    if (line.empty()) continue;
    std::fprintf(stderr, "%s\n", line.c_str());
    ++drawn_lines_;
  }
  std::fflush(stderr);
}

void Display::Erase() {
  if (!terminal_) return;
  // Up one line and clear it, once for each line drawn.
  for (; drawn_lines_ > 0; --drawn_lines_) std::fputs("\x1b[A\x1b[2K\r", stderr);
}

}  // namespace estuary::cli
