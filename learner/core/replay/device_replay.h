// The learner's own replay: transitions on the device that trains, so that a batch is one gather
// and no network stands between two gradient steps. It holds what the shards hold, because the
// service that owns it follows their logs.
//
// Terms: a *row* is one transition packed as [s, a, s', r, terminal], float32, as it was recorded
// (no scaling). Rows are ordered by arrival; a ring that is full drops its oldest. Samples are
// uniform over the rows held, with replacement, and are drawn by order of arrival, not by place in
// memory: two replays that were given the same rows give the same samples from the same random
// numbers, whatever way the rows arrived.
//
// Where a table is too large for the device, a replay holds rows that the shards sampled, *in
// order*: each is drawn once, as it came, which is a uniform draw from the whole table.
//
// Threads: none of its own and no locks. Append and the engine's steps are called in turn.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "learner/core/device.h"

namespace estuary::learner {

// Columns of any number of transitions, row after row.
struct TransitionColumns {
  absl::Span<const float> observation;
  absl::Span<const float> action;
  absl::Span<const float> next_observation;
  absl::Span<const float> reward;
  // 1 where the episode ended in a terminal state; 0 elsewhere, at a time limit too.
  absl::Span<const float> terminal;
};

// What happens when a full replay is given more.
enum class Overflow {
  kEvictOldest,
  // Nothing is ever dropped: Append fails.
  kRefuse,
};

struct ReplayOptions {
  // In errors: "real", "sim".
  std::string name;
  int observation_dim = 0;
  int action_dim = 0;
  // Rows. Memory grows with what is held, up to this.
  int64_t capacity = 1'000'000;
  Overflow overflow = Overflow::kEvictOldest;
  Device device = Device::kCpu;
  // Rows were drawn elsewhere: each is used once, in the order of arrival, and then forgotten. The
  // capacity is of rows that wait; Append refuses more.
  bool in_order = false;
};

// Moments over the rows held, one number a dimension; std is the population's.
struct ReplayMoments {
  std::vector<double> observation_mean;
  std::vector<double> observation_std;
  // Of s' - s.
  std::vector<double> difference_mean;
  std::vector<double> difference_std;
  // As the authors' code took observation_std: over a buffer with ten zero rows for every row held.
  std::vector<double> padded_observation_std;
};

class DeviceReplay {
 public:
  static absl::StatusOr<std::unique_ptr<DeviceReplay>> Create(const ReplayOptions& options);
  ~DeviceReplay();

  // All rows or none. INVALID_ARGUMENT where the columns' lengths do not agree with the dimensions
  // or a number is not finite; RESOURCE_EXHAUSTED where it refuses to overflow or memory ran out.
  absl::Status Append(const TransitionColumns& columns);
  // Forgets every row, for following a log anew.
  void Clear();

  const ReplayOptions& options() const;
  // Rows that can be drawn, and rows ever appended since creation or Clear.
  int64_t size() const;
  int64_t appended() const;
  // FAILED_PRECONDITION where it is empty; in order, where they were not set.
  absl::StatusOr<ReplayMoments> Moments() const;
  // Of the whole table, whose samples come in order.
  void SetMoments(const ReplayMoments& moments);

  // For the engines: the tensors behind it (replay/replay_storage.h).
  struct Storage;
  Storage& storage() const { return *storage_; }

 private:
  explicit DeviceReplay(std::unique_ptr<Storage> storage);

  std::unique_ptr<Storage> storage_;
};

// FAILED_PRECONDITION where a step that draws so many rows (0: none) of `table` cannot: the replay
// is null or empty or, in order, has fewer left.
absl::Status CheckDrawable(const DeviceReplay* replay, const char* table, int64_t rows);

}  // namespace estuary::learner
