// Counts what a piece of code allocates.
//
// A binary that links this has malloc and its kin (and so operator new) counted while a trap is set
// on the calling thread. Sanitizers bring their own malloc, under which nothing is counted.
#pragma once

#include <cstdint>

namespace estuary::policy::testing {

// Counts the allocations of this thread while it lives.
class AllocationTrap {
 public:
  AllocationTrap();
  ~AllocationTrap();

  uint64_t allocations() const;
  // False where a sanitizer's malloc is in the way.
  static bool Works();
};

}  // namespace estuary::policy::testing
