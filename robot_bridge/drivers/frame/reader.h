// Frames out of what a wire brings: one in each datagram, or found in a stream, also after garbage.
#pragma once

#include <atomic>
#include <cstdint>

#include "robot_bridge/drivers/frame/estuary_frame.h"
#include "robot_bridge/drivers/frame/wire.h"

namespace estuary::bridge {

class FrameReader {
 public:
  explicit FrameReader(bool stream) : stream_(stream) {}

  // Calls take(frame) for each frame in the bytes.
  template <typename Take>
  void Put(const uint8_t* bytes, size_t size, Take&& take) {
    if (!stream_) {
      if (estuary_frame_decode(bytes, size, &frame_)) {
        take(frame_);
      } else {
        corrupt_.fetch_add(1, std::memory_order_relaxed);
      }
      return;
    }
    while (size > 0) {
      const size_t taken = estuary_parser_put(&parser_, bytes, size);
      bytes += taken;
      size -= taken;
      while (estuary_parser_take(&parser_, &frame_)) take(frame_);
    }
    corrupt_.store(parser_.corrupt, std::memory_order_relaxed);
  }

  // Damaged frames so far. Any thread.
  uint64_t corrupt() const { return corrupt_.load(std::memory_order_relaxed); }

 private:
  const bool stream_;
  estuary_frame frame_{};
  estuary_parser parser_{};
  std::atomic<uint64_t> corrupt_{0};
};

}  // namespace estuary::bridge
