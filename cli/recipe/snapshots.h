// A run's checkpoints as the policies of a recipe.
//
// A *snapshot* is the policy that a checkpoint published, rounded to bfloat16 (policy/bfloat16.h):
// small enough to be kept in a repository.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "estuary/v1/policy.pb.h"

namespace estuary::cli {

struct Snapshot {
  uint64_t gradient_steps = 0;
  // Of the version that the checkpoint published.
  uint64_t environment_steps = 0;
  // Mean return on the real dynamics in the run's evaluation of this very step, where there is one.
  std::optional<double> evaluation_return;
  v1::PolicyVersion policy;
};

// Every checkpoint of the run, oldest first; policies as they are, not rounded.
absl::StatusOr<std::vector<Snapshot>> ReadSnapshots(const std::string& run);

struct SnapshotOptions {
  // "experiments/datasets/half_cheetah".
  std::string folder;
  // The recipe's file in it, without its ending.
  std::string level;
  std::string note = "";
  uint64_t seed = 1;
};

// Writes the snapshot to FOLDER/policies and a recipe of `rows` rows from it.
absl::Status WriteLevel(const Snapshot& snapshot, uint64_t rows, const SnapshotOptions& options);

// Writes every snapshot up to and with `last` and a recipe of the run's buffer until then: the
// random steps it began with, then, from each snapshot, the rows that were made between it and the
// next. Boundaries are rounded to whole episodes of full length.
absl::Status WriteReplay(const std::string& run, const std::vector<Snapshot>& snapshots,
                         size_t last, const SnapshotOptions& options);

}  // namespace estuary::cli
