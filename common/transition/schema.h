// The layout of a table's rows, as both sides of a wire must agree on it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "estuary/v1/transition.pb.h"

namespace estuary::transition {

// Positions of the standard columns, which every schema begins with.
enum StandardColumn : int {
  kObservation = 0,
  kAction = 1,
  kReward = 2,
  kNextObservation = 3,
  kFlags = 4,
  kSource = 5,
  kPolicyVersion = 6,
  kEpisode = 7,
  kStandardColumns = 8,
};

// Of Schema::Simulated, where there is a gap.
inline constexpr int kGapColumn = kStandardColumns;

// A checked TransitionSchema with its arithmetic done. Immutable; copy freely.
class Schema {
 public:
  // The standard columns alone.
  static Schema Standard(const std::string& task, int observation_dim, int action_dim,
                         uint32_t control_period_us);
  // The standard columns and what a robot adds: policy_action float32[act] (what the policy wanted,
  // before limits), action_latency_us uint32[1] (observation to command).
  static Schema Robot(const std::string& task, int observation_dim, int action_dim,
                      uint32_t control_period_us);
  // The standard columns and, where there are any, gap float32[gap_edits]: each edit's number in
  // the row's episode.
  static Schema Simulated(const std::string& task, int observation_dim, int action_dim,
                          uint32_t control_period_us, int gap_edits);
  // INVALID_ARGUMENT where the standard columns are not as they must be, a width is 0 or absurd.
  static absl::StatusOr<Schema> FromProto(const v1::TransitionSchema& proto);

  const v1::TransitionSchema& proto() const { return proto_; }
  const std::string& task() const { return proto_.task(); }
  int observation_dim() const { return observation_dim_; }
  int action_dim() const { return action_dim_; }
  int columns() const { return static_cast<int>(widths_.size()); }
  // Bytes a row of column i takes, and of all columns together.
  size_t column_bytes(int column) const { return widths_[column]; }
  size_t row_bytes() const { return row_bytes_; }

  // "task 'half_cheetah', 50000 us: observation float32[17], action float32[6], ...".
  std::string ToString() const;

  // OK where equal; else FAILED_PRECONDITION with both printed: "<what> holds <ours>, got <theirs>;
  // ...".
  absl::Status CheckEqual(const Schema& theirs, const std::string& what) const;

  // OK where `theirs` has the same task and standard columns (a reader that needs no more).
  absl::Status CheckStandardEqual(const Schema& theirs, const std::string& what) const;

 private:
  Schema() = default;

  v1::TransitionSchema proto_;
  std::vector<size_t> widths_;
  size_t row_bytes_ = 0;
  int observation_dim_ = 0;
  int action_dim_ = 0;
};

}  // namespace estuary::transition
