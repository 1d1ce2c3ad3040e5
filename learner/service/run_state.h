// What a checkpoint holds beside the engine's own bytes: how far the run is, and up to where of
// which logs it had learned from.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace estuary::learner {

// A part of one shard's log of one table that was taken into the learner's replay.
struct ShardPosition {
  // DescribeResponse.shard_id.
  std::string shard_id;
  // From the first cursor up to, but not with, the second.
  uint64_t start = 0;
  uint64_t cursor = 0;
  // Rows taken of it.
  uint64_t rows = 0;

  bool operator==(const ShardPosition&) const = default;
};

struct RunState {
  uint64_t gradient_steps = 0;
  // Simulated rows received.
  uint64_t environment_steps = 0;
  uint64_t policy_version = 0;
  // Spent training, over all of the run's processes.
  double seconds = 0;
  double starved_seconds = 0;
  // Real rows that joined D while training went on.
  uint64_t real_rows_added = 0;
  // An evaluator has been there, so its reports are worth waiting for.
  bool evaluated = false;
  // What was measured once, before the first step, and is reported with every later metric.
  std::map<std::string, double> start_metrics;
  // In the shard map's order.
  std::vector<ShardPosition> real;
  std::vector<ShardPosition> sim;

  bool operator==(const RunState&) const = default;

  std::string ToJson() const;
  // DATA_LOSS names what is missing. What builds before this one did not write, and need not have,
  // takes its default.
  static absl::StatusOr<RunState> FromJson(absl::string_view text);
};

}  // namespace estuary::learner
