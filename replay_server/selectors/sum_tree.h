// Weights of a fixed number of slots, and drawing a slot in proportion to its weight.
//
// Every node is the sum of eight below it, which lie in one cache line. A sum is always made anew
// from what it sums: rounding does not build up, however often weights change. Setting and drawing
// cost one line a level: eight levels for ten million slots.
//
// Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "replay_server/lazy_array.h"

namespace estuary::replay {

class SumTree {
 public:
  // All weights are 0. RESOURCE_EXHAUSTED as LazyArray.
  static absl::StatusOr<SumTree> Create(uint64_t slots);
  // Bytes for each slot.
  static constexpr double kBytesPerSlot = sizeof(double) * 8.0 / 7;

  double weight(uint64_t slot) const { return levels_.front()[slot]; }
  double total() const { return levels_.back()[0]; }

  // Finite and at least 0.
  void Set(uint64_t slot, double weight);
  // Of slots [slot, slot + weights.size()), which do not wrap; cheaper than one by one.
  void SetRun(uint64_t slot, absl::Span<const double> weights);

  // The slot at which the sum of the weights up to it passes `target`, 0 <= target < total().
  // Never one of weight 0.
  uint64_t Find(double target) const;
  // The same for many, level by level, so that their cache misses overlap. `targets` is used up;
  // `slots` is as long.
  void FindAll(absl::Span<double> targets, absl::Span<uint64_t> slots) const;

 private:
  static constexpr uint64_t kFan = 8;

  SumTree() = default;
  static double SumOf(const double* node);
  // Takes the target into one of the node's children, and gives its index.
  static uint64_t Descend(const double* node, double& target);

  // Leaves first; the last is the root alone.
  std::vector<LazyArray<double>> levels_;
};

}  // namespace estuary::replay
