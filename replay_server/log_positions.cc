#include "replay_server/log_positions.h"

#include <algorithm>
#include <cstddef>

namespace estuary::replay {

size_t LogPositions::RunOf(uint64_t row) const {
  size_t i = runs_.size() - 1;
  while (i > 0 && runs_[i].row > row) --i;
  return i;
}

uint64_t LogPositions::CursorOf(uint64_t row) const {
  const Run& run = runs_[RunOf(row)];
  return run.cursor + (row - run.row);
}

uint64_t LogPositions::next_cursor() const {
  return runs_.back().cursor + (next_row_ - runs_.back().row);
}

void LogPositions::JumpTo(uint64_t cursor) {
  if (cursor <= next_cursor()) return;
  if (runs_.back().row == next_row_) {
    runs_.back().cursor = cursor;
  } else {
    runs_.push_back({.row = next_row_, .cursor = cursor});
  }
}

void LogPositions::Restore(absl::Span<const Run> runs, uint64_t cursor) {
  runs_.clear();
  for (const Run& run : runs) {
    if (runs_.empty() || run.cursor <= cursor) runs_.push_back(run);
  }
  if (runs_.empty()) runs_.push_back(Run{});
  const Run& last = runs_.back();
  first_row_ = last.row + (cursor > last.cursor ? cursor - last.cursor : 0);
  next_row_ = first_row_;
}

uint64_t LogPositions::RowAtOrAfter(uint64_t cursor) const {
  size_t i = runs_.size() - 1;
  while (i > 0 && runs_[i].cursor > cursor) --i;
  if (cursor <= runs_[i].cursor) return runs_[i].row;
  const uint64_t end = i + 1 < runs_.size() ? runs_[i + 1].row : next_row_;
  return std::min(runs_[i].row + (cursor - runs_[i].cursor), end);
}

uint64_t LogPositions::RowsInRun(uint64_t row) const {
  const size_t i = RunOf(row);
  return (i + 1 < runs_.size() ? runs_[i + 1].row : next_row_) - row;
}

}  // namespace estuary::replay
