#include "learner/core/replay/host_rows.h"

#include <ATen/core/Tensor.h>

#include "learner/core/replay/replay_storage.h"

namespace estuary::learner {

HostRows HostRowsOf(const DeviceReplay* replay) {
  if (replay == nullptr || replay->options().device != Device::kCpu) return {};
  const DeviceReplay::Storage& storage = replay->storage();
  if (storage.size == 0) return {};
  return {.rows = storage.rows.const_data_ptr<float>(),
          .width = storage.layout.width(),
          .size = storage.size,
          .oldest = storage.oldest};
}

}  // namespace estuary::learner
