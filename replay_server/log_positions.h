// A log's positions (cursors) and its rows, which are not the same: a log has gaps.
//
// Rows are numbered without gaps (`row`: how many came before it, ever). Cursors are what clients
// see; they grow with the rows, but jump ahead where rows that clients may have seen died with a
// crash, so that no cursor ever names two different rows. Between jumps lies a *run*.
//
// Pure arithmetic, not thread-safe.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace estuary::replay {

class LogPositions {
 public:
  struct Run {
    uint64_t row = 0;
    uint64_t cursor = 0;
  };

  // The held rows are [first_row, next_row).
  uint64_t first_row() const { return first_row_; }
  uint64_t next_row() const { return next_row_; }
  uint64_t rows() const { return next_row_ - first_row_; }
  uint64_t first_cursor() const { return CursorOf(first_row_); }
  // Position that the next row will have.
  uint64_t next_cursor() const;

  void Append(uint64_t rows) { next_row_ += rows; }
  void Evict(uint64_t rows) { first_row_ += rows; }
  // The next row will be at `cursor`, which is not below next_cursor().
  void JumpTo(uint64_t cursor);

  // Empties the log and goes on at `cursor`, which is in one of the given runs; the ones behind it
  // come again by JumpTo.
  void Restore(absl::Span<const Run> runs, uint64_t cursor);
  const std::vector<Run>& runs() const { return runs_; }

  // Position of a row, row <= next_row().
  uint64_t CursorOf(uint64_t row) const;
  // The first row at `cursor` or behind it, held or evicted or next_row().
  uint64_t RowAtOrAfter(uint64_t cursor) const;
  // Rows from `row` on whose cursors follow one another.
  uint64_t RowsInRun(uint64_t row) const;

 private:
  // Index of the run that `row` is in.
  size_t RunOf(uint64_t row) const;

  // Ordered, never empty; the last may have no rows yet.
  std::vector<Run> runs_ = {Run{}};
  uint64_t first_row_ = 0;
  uint64_t next_row_ = 0;
};

}  // namespace estuary::replay
