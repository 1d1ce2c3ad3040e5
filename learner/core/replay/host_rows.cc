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
          .oldest = storage.oldest,
          .next = storage.options.in_order ? storage.next : -1};
}

void SetDrawn(const DeviceReplay& replay, int64_t next) { replay.storage().next = next; }

}  // namespace estuary::learner
