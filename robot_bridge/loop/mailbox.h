// The newest value from one writer thread to one reader thread, wait-free (a triple buffer): a
// reader that is slow misses values and never lags, a writer never waits.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace estuary::bridge {

template <typename T>
class Mailbox {
 public:
  Mailbox() = default;
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  // Writer.
  void Put(const T& value) {
    buffers_[back_] = value;
    back_ = middle_.exchange(back_ | kFresh, std::memory_order_acq_rel) & kIndex;
  }

  // Reader. Takes the newest value; false (and `value` untouched) where none came since the last
  // time.
  bool Take(T& value) {
    if ((middle_.load(std::memory_order_relaxed) & kFresh) == 0) return false;
    front_ = middle_.exchange(front_, std::memory_order_acq_rel) & kIndex;
    value = buffers_[front_];
    return true;
  }

 private:
  static constexpr uint8_t kIndex = 3;
  static constexpr uint8_t kFresh = 4;

  std::array<T, 3> buffers_{};
  alignas(64) std::atomic<uint8_t> middle_{1};
  alignas(64) uint8_t back_ = 0;
  alignas(64) uint8_t front_ = 2;
};

}  // namespace estuary::bridge
