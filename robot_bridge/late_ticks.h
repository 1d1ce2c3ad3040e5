// Why a tick came late: what the loop's thread saw (wake_watch.h) put together with what the
// machine says of its hypervisor. Used by the recorder's thread.
//
// /proc/stat counts stolen time in hundredths of a second, so a theft counts for whatever was late
// between two looks at it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "robot_bridge/loop/wake_watch.h"

namespace estuary::bridge {

enum class LateCause : uint8_t {
  // The hypervisor ran others on the core.
  kStolen,
  kPageFault,
  // Put aside while at work in the tick before.
  kPreempted,
  // Ready to run, while another thread had the core.
  kWaiting,
  // None of these: the wake-up itself was late.
  kInterrupt,
};
inline constexpr int kLateCauses = 5;

// "stolen".
const char* Name(LateCause cause);

class LateTickJudge {
 public:
  // Looks at /proc/stat; about every 10 ms.
  void Sample(int64_t now);
  // The same from its text.
  void Sample(int64_t now, const std::string& stat);

  // Of a tick that woke before the newest sample, soon after it.
  LateCause Judge(const LateTick& tick) const;

 private:
  struct StealSample {
    int64_t at_ns = 0;
    // Of each core, in the kernel's ticks.
    std::vector<uint64_t> stolen;
  };

  // Newest first.
  std::array<StealSample, 4> samples_;
  std::string text_;
};

}  // namespace estuary::bridge
