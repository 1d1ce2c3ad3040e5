#include "replay_server/memory_limit.h"

#include <unistd.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/process/files.h"

namespace estuary::replay {
namespace {

constexpr uint64_t kNone = std::numeric_limits<uint64_t>::max();

uint64_t LimitIn(const std::string& path) {
  const absl::StatusOr<std::string> text = process::ReadFile(path);
  uint64_t limit = 0;
  // "max" is no number: no limit. Nor is there one where there is no such file.
  return text.ok() && absl::SimpleAtoi(*text, &limit) ? limit : kNone;
}

// Of a group and all that it is in. A container often sees its group's name outside, but its files
// at the mount: those are looked at last.
uint64_t LimitOf(std::string group, const std::string& mount, const std::string& file) {
  uint64_t limit = kNone;
  while (true) {
    limit = std::min(limit, LimitIn(absl::StrCat(mount, group, "/", file)));
    const size_t slash = group.rfind('/');
    if (slash == std::string::npos) return limit;
    group.resize(slash);
  }
}

}  // namespace

uint64_t MemoryOfGroups(const std::string& groups, const std::string& mount) {
  uint64_t limit = kNone;
  for (const auto line : absl::StrSplit(groups, '\n', absl::SkipEmpty())) {
    // hierarchy:controllers:/group
    const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (parts.size() != 3) continue;
    if (parts[1].empty()) {
      limit = std::min(limit, LimitOf(parts[2], mount, "memory.max"));
      continue;
    }
    for (const auto controller : absl::StrSplit(parts[1], ',')) {
      if (controller != "memory") continue;
      limit = std::min(limit,
                       LimitOf(parts[2], absl::StrCat(mount, "/memory"), "memory.limit_in_bytes"));
    }
  }
  return limit;
}

uint64_t MemoryOfMachine() {
  const uint64_t machine =
      static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const std::string groups = process::ReadFile("/proc/self/cgroup").value_or("");
  return std::min(machine, MemoryOfGroups(groups, "/sys/fs/cgroup"));
}

}  // namespace estuary::replay
