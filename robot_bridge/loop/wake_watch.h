// What the system did to the loop's thread between two ticks, so that a late one can be explained:
// how often it was put aside for another thread, page faults, and for how long it was ready to run
// and had no core.
//
// Of the loop's thread alone. Two cheap system calls a tick; no allocation.
#pragma once

#include <cstdint>

namespace estuary::bridge {

// A tick that woke late.
struct LateTick {
  // When it woke, and how long after its time.
  int64_t at_ns = 0;
  int64_t lateness_ns = 0;
  // The core on which it woke.
  int cpu = 0;
  // Since the tick before.
  uint32_t preemptions = 0;
  uint32_t page_faults = 0;
  // -1: the kernel does not say.
  int64_t waited_ns = -1;
};

class WakeWatch {
 public:
  // In the thread that is watched; opens a file of /proc.
  WakeWatch();
  ~WakeWatch();
  WakeWatch(const WakeWatch&) = delete;
  WakeWatch& operator=(const WakeWatch&) = delete;

  // Once a tick. What happened since the last call is `tick`'s.
  void Look(LateTick& tick);

 private:
  int64_t Waited() const;

  int schedstat_ = -1;
  int64_t last_preemptions_ = 0;
  int64_t last_faults_ = 0;
  int64_t last_waited_ns_ = -1;
};

}  // namespace estuary::bridge
