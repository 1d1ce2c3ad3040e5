// The samples-per-insert limiter: keeps what is drawn from a table near a ratio to what is put in.
//
//   difference = samples_per_insert * (inserts - min_size) - samples
//
// Inserts are free until min_size rows are in; after that one waits while the difference would
// exceed error_buffer. Batches that the server draws wait until min_size rows are in, and while the
// difference would fall below -error_buffer. Followers draw on their own and report; what they
// report is counted and never refused.
//
// Pure arithmetic, not thread-safe. Bulk imports are not told to it.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>

#include "absl/status/status.h"
#include "estuary/v1/replay.pb.h"

namespace estuary::replay {

class Limiter {
 public:
  static constexpr uint64_t kUnlimited = std::numeric_limits<uint64_t>::max();

  // Nothing ever waits.
  Limiter() = default;
  explicit Limiter(const v1::SamplesPerInsert& config) : config_(config) {}

  // INVALID_ARGUMENT with the arithmetic where nothing could ever move: a buffer that one insert
  // overruns, a minimum that the table cannot hold.
  static absl::Status Check(const v1::SamplesPerInsert& config, uint64_t capacity);
  // The same for a table whose rows go when they were drawn `max_times`.
  struct Consumption {
    uint64_t capacity = 0;
    uint32_t max_times = 0;
    // Full, it lets the oldest row go (or lets its writers wait).
    bool evicts = false;
    // Rows are drawn in order.
    bool in_order = false;
  };
  static absl::Status CheckConsumed(const v1::SamplesPerInsert& config, const Consumption& table);
  // INVALID_ARGUMENT where batches of this size and inserts could each wait for the other.
  absl::Status CheckBatch(uint32_t batch_size) const;

  // Rows that may be inserted now.
  uint64_t InsertsAllowed() const;
  bool SampleAllowed(uint64_t rows) const;
  // Rows that may be drawn now.
  uint64_t SamplesAllowed() const;

  void Inserted(uint64_t rows) { inserted_ += rows; }
  void Uninserted(uint64_t rows) { inserted_ -= rows; }
  void Sampled(double samples) { sampled_ += samples; }
  void Restore(uint64_t inserted, double sampled);
  // Counts as if what is in had been sampled at just the ratio; for a changed configuration, which
  // the old counts could block for ever.
  void Balance();

  double difference() const;
  uint64_t inserted() const { return inserted_; }
  double sampled() const { return sampled_; }

 private:
  std::optional<v1::SamplesPerInsert> config_;
  uint64_t inserted_ = 0;
  double sampled_ = 0;
};

}  // namespace estuary::replay
