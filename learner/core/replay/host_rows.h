// A CPU replay's packed rows as plain memory, for engines that do without LibTorch.
#pragma once

#include <cstdint>

#include "learner/core/replay/device_replay.h"

namespace estuary::learner {

// Valid until the replay is appended to.
struct HostRows {
  // Rows [s, a, s', r, terminal], `width` floats each; the oldest at place `oldest`, from there
  // around.
  const float* rows = nullptr;
  int64_t width = 0;
  int64_t size = 0;
  int64_t oldest = 0;
  // Rows are to be drawn in order, from here on; negative: uniformly.
  int64_t next = -1;

  // The row that arrived as number `index` of those held.
  const float* Row(int64_t index) const {
    const int64_t place = oldest + index;
    return rows + (place < size ? place : place - size) * width;
  }
};

// All zero where `replay` is null or not in this machine's memory.
HostRows HostRowsOf(const DeviceReplay* replay);

// Rows before `next` have been drawn; for a replay in order.
void SetDrawn(const DeviceReplay& replay, int64_t next);

}  // namespace estuary::learner
