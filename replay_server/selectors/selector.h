// Which of a table's rows a sample is made of.
//
// A row is named by how many rows came before it, ever. A table holds the rows [first, next) of at
// most `capacity`; a selector keeps what it must know of each in memory of fixed size and is told
// of rows as they come. Rows go without a word: the oldest first, when newer ones take their place.
//
// A table whose rows may be drawn only so often (max_times_sampled) asks before drawing how many
// draws are left, and afterwards how many rows at its beginning are used up.
//
// Not thread-safe: Table holds its lock, shared for what is const and exclusive for the rest.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <random>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "estuary/v1/replay.pb.h"

namespace estuary::replay {

struct HeldRows {
  uint64_t first = 0;
  uint64_t next = 0;
  uint64_t count() const { return next - first; }
};

struct DrawnRows {
  std::vector<uint64_t> rows;
  // One a row, or a single one for all.
  std::vector<double> probabilities;
  // A selector's own, while it draws.
  std::vector<double> targets;
};

class Selector {
 public:
  static constexpr uint64_t kUnlimited = std::numeric_limits<uint64_t>::max();

  virtual ~Selector() = default;

  // Draws that are left before more rows come.
  virtual uint64_t DrawsLeft(const HeldRows& held) const = 0;
  // What the held rows weigh together, for those who draw from several tables.
  virtual double Weight(const HeldRows& held) const { return static_cast<double>(held.count()); }

  // Fills `drawn` with `rows` rows, at least 1 and no more than are left; needs the lock shared
  // where draws are unlimited, which leaves the selector as it was, and exclusive otherwise.
  virtual void Draw(const HeldRows& held, uint32_t rows, std::mt19937_64& random,
                    DrawnRows& drawn) = 0;
  // Of the held rows, how many at the beginning will never be drawn again.
  virtual uint64_t UsedUp(const HeldRows& /*held*/) const { return 0; }

  // Rows from `first` on came in. `priorities`: none, or one a row.
  virtual void Appended(uint64_t /*first*/, uint32_t /*rows*/,
                        absl::Span<const float> /*priorities*/) {}
  // Held rows have other priorities now; both of one length.
  virtual void SetPriorities(absl::Span<const uint64_t> /*rows*/,
                             absl::Span<const float> /*priorities*/) {}

  // --- For storage ---
  // Rows have priorities that are worth keeping; and the largest ever, which new rows get.
  virtual bool has_priorities() const { return false; }
  virtual float PriorityOf(uint64_t /*row*/) const { return 0; }
  virtual float max_priority() const { return 0; }
  virtual void RestoreMaxPriority(float /*priority*/) {}
  // How often a held row was drawn, where that is counted.
  virtual uint32_t TimesDrawn(uint64_t /*row*/) const { return 0; }
  virtual void RestoreTimesDrawn(const HeldRows& /*held*/, uint64_t /*row*/, uint32_t /*times*/) {}
};

// The selector that a checked configuration asks for. RESOURCE_EXHAUSTED as LazyArray.
absl::StatusOr<std::unique_ptr<Selector>> MakeSelector(const v1::TableConfig& config,
                                                       uint64_t capacity);

// Bytes that it needs for each row of the capacity.
double SelectorBytesPerRow(const v1::TableConfig& config);

// A number from 0 to below `below`, which is above 0.
inline uint64_t DrawBelow(uint64_t below, std::mt19937_64& random) {
  // Lemire's reduction: the bias of at most below / 2^64 is far under what can be observed.
  return static_cast<uint64_t>(
      (static_cast<unsigned __int128>(random()) * static_cast<unsigned __int128>(below)) >> 64);
}

}  // namespace estuary::replay
