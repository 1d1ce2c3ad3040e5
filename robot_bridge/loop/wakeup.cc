#include "robot_bridge/loop/wakeup.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "robot_bridge/loop/clock.h"

namespace estuary::bridge {

static_assert(sizeof(std::atomic<uint32_t>) == sizeof(uint32_t));

void Wakeup::Signal() {
  signals_.fetch_add(1, std::memory_order_release);
  syscall(SYS_futex, &signals_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

bool Wakeup::Wait(int64_t deadline) {
  const timespec time = ToTimespec(deadline);
  for (;;) {
    const uint32_t signals = signals_.load(std::memory_order_acquire);
    if (signals != seen_) {
      seen_ = signals;
      return true;
    }
    // FUTEX_WAIT_BITSET takes an absolute time, so that a wait that is interrupted does not drift.
    const auto rc = syscall(SYS_futex, &signals_, FUTEX_WAIT_BITSET_PRIVATE, signals, &time,
                            nullptr, FUTEX_BITSET_MATCH_ANY);
    if (rc != 0 && errno == ETIMEDOUT) return false;
  }
}

}  // namespace estuary::bridge
