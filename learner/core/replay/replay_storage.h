// The tensors behind a DeviceReplay, for the engines. Includes LibTorch; device_replay.h does not.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <optional>

#include "learner/core/replay/device_replay.h"

namespace estuary::learner {

// Numbers in a packed row, and where each part of it begins.
struct RowLayout {
  int64_t observation;
  int64_t action;

  int64_t next_observation_at() const { return observation + action; }
  int64_t reward_at() const { return 2 * observation + action; }
  int64_t terminal_at() const { return 2 * observation + action + 1; }
  int64_t width() const { return 2 * observation + action + 2; }
};

struct DeviceReplay::Storage {
  ReplayOptions options;
  RowLayout layout;
  // [allocated, width]; the rows held are the first `size`, the oldest of them at `oldest`, from
  // there around.
  at::Tensor rows;
  int64_t size = 0;
  int64_t oldest = 0;
  int64_t appended = 0;
  // In order: the first row that was not drawn yet, and the whole table's moments.
  mutable int64_t next = 0;
  std::optional<ReplayMoments> moments;

  int64_t drawable() const { return size - next; }

  // Fills `indices` int64 [k], on the replay's device, with places of uniformly drawn rows; in
  // order, with the next k, which must be there.
  void Draw(const at::Generator& generator, at::Tensor& indices) const;
};

// Throws (c10::Error, std::bad_alloc) where memory runs out, as LibTorch does.
at::Device ToTorch(Device device);

}  // namespace estuary::learner
