// How much memory this process may use.
#pragma once

#include <cstdint>
#include <string>

namespace estuary::replay {

// The least of the machine's memory and the limits of the control groups that the process is in, of
// version 1 or 2, each of which limits those inside it.
uint64_t MemoryOfMachine();

// The same part for control groups alone, given /proc/self/cgroup's content and where their file
// system is; all bits set where there is no limit.
uint64_t MemoryOfGroups(const std::string& groups, const std::string& mount);

}  // namespace estuary::replay
