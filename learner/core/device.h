// Where and in which precision an engine computes.
#pragma once

#include <cstdint>

#include "absl/status/status.h"

namespace estuary::learner {

enum class Device { kCpu, kCuda };

enum class Precision {
  kFloat32,
  // For holding the mathematics against references without rounding in the way; half the speed.
  kFloat64,
};

// Loads LibTorch's CUDA half where `device` needs it. FAILED_PRECONDITION says why it cannot be
// used on this machine.
absl::Status OpenDevice(Device device);

// Bytes of the device's memory that are free now; 0 where that cannot be told.
uint64_t FreeMemory(Device device);

// GPU if one can be used, else CPU.
Device BestDevice();

}  // namespace estuary::learner
