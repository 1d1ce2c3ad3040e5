// A sink that keeps every row, checks every block, and may have no room.
#pragma once

#include <functional>
#include <vector>

#include "actors/row_sink.h"
#include "common/transition/block.h"

namespace estuary::actor::testing {

struct CollectedRow {
  std::vector<float> observation;
  std::vector<float> action;
  float reward = 0;
  std::vector<float> next_observation;
  uint8_t flags = 0;
  uint8_t source = 0;
  uint32_t policy_version = 0;
  uint32_t episode = 0;

  bool operator==(const CollectedRow&) const = default;
};

class CollectingSink : public RowSink {
 public:
  absl::StatusOr<bool> TryAppend(transition::BlockBuilder& rows) override {
    ++calls;
    if (!room()) return false;
    const v1::TransitionBlock& block = rows.block();
    absl::Status status =
        transition::CheckBlock(rows.schema(), block, 1 << 20, /*check_finite=*/true);
    if (!status.ok()) return status;
    for (uint32_t r = 0; r < block.rows(); ++r) Take(block, r);
    blocks.push_back(block.rows());
    rows.Clear();
    on_block();
    return true;
  }

  std::vector<CollectedRow> rows;
  // Rows of each block.
  std::vector<uint32_t> blocks;
  int calls = 0;
  std::function<bool()> room = [] { return true; };
  std::function<void()> on_block = [] {};

 private:
  void Take(const v1::TransitionBlock& block, uint32_t r) {
    const auto floats = [&](int column) {
      const absl::Span<const float> all = transition::Floats(block, column);
      const size_t width = all.size() / block.rows();
      return std::vector<float>(all.begin() + r * width, all.begin() + (r + 1) * width);
    };
    rows.push_back({.observation = floats(transition::kObservation),
                    .action = floats(transition::kAction),
                    .reward = transition::Floats(block, transition::kReward)[r],
                    .next_observation = floats(transition::kNextObservation),
                    .flags = transition::Bytes(block, transition::kFlags)[r],
                    .source = transition::Bytes(block, transition::kSource)[r],
                    .policy_version = transition::Uints(block, transition::kPolicyVersion)[r],
                    .episode = transition::Uints(block, transition::kEpisode)[r]});
  }
};

}  // namespace estuary::actor::testing
