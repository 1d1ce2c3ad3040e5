#include "robot_bridge/late_ticks.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>

namespace estuary::bridge {
namespace {

// Of each core, "cpu0 user nice system idle iowait irq softirq steal ...".
std::vector<uint64_t> ParseStolen(const std::string& stat) {
  std::vector<uint64_t> stolen;
  std::istringstream lines(stat);
  for (std::string line; std::getline(lines, line) && line.rfind("cpu", 0) == 0;) {
    if (line.size() < 4 || line[3] == ' ') continue;
    std::istringstream words(line.substr(3));
    size_t core = 0;
    uint64_t value = 0;
    words >> core;
    for (int i = 0; i < 8; ++i) words >> value;
    // Cores may be missing, and a machine has not that many.
    if (!words || core >= 4096) continue;
    if (stolen.size() <= core) stolen.resize(core + 1, 0);
    stolen[core] = value;
  }
  return stolen;
}

}  // namespace

const char* Name(LateCause cause) {
  switch (cause) {
    case LateCause::kStolen:
      return "stolen";
    case LateCause::kPageFault:
      return "page_fault";
    case LateCause::kPreempted:
      return "preempted";
    case LateCause::kWaiting:
      return "waiting";
    case LateCause::kInterrupt:
      return "interrupt";
  }
  return "?";
}

void LateTickJudge::Sample(int64_t now) {
  std::ifstream file("/proc/stat");
  text_.clear();
  // The cores' lines come first.
  for (std::string line; std::getline(file, line) && line.rfind("cpu", 0) == 0;) {
    text_ += line;
    text_ += '\n';
  }
  Sample(now, text_);
}

void LateTickJudge::Sample(int64_t now, const std::string& stat) {
  std::rotate(samples_.begin(), samples_.end() - 1, samples_.end());
  samples_[0] = {now, ParseStolen(stat)};
}

LateCause LateTickJudge::Judge(const LateTick& tick) const {
  // From before it should have woken until now.
  const StealSample* before = &samples_[1];
  for (size_t i = 1; i < samples_.size() && samples_[i].at_ns != 0; ++i) {
    before = &samples_[i];
    if (before->at_ns <= tick.at_ns - tick.lateness_ns) break;
  }
  const auto core = static_cast<size_t>(tick.cpu);
  if (core < samples_[0].stolen.size() && core < before->stolen.size() &&
      samples_[0].stolen[core] > before->stolen[core]) {
    return LateCause::kStolen;
  }
  if (tick.page_faults > 0) return LateCause::kPageFault;
  if (tick.waited_ns >= tick.lateness_ns / 2) return LateCause::kWaiting;
  if (tick.preemptions > 0) return LateCause::kPreempted;
  return LateCause::kInterrupt;
}

}  // namespace estuary::bridge
