// A table's readers: the log, and samples.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/process/status.h"
#include "replay_server/table.h"

namespace estuary::replay {

absl::StatusOr<Table::LogRead> Table::Locate(uint64_t cursor, uint32_t max_rows) const {
  LogRead what;
  if (cursor > positions_.next_cursor()) {
    return absl::OutOfRangeError(absl::StrCat("table '", name(), "' ends at cursor ",
                                              positions_.next_cursor(), ", asked for ", cursor,
                                              "; does the cursor come from another shard?"));
  }
  what.row = positions_.RowAtOrAfter(cursor);
  if (what.row < positions_.first_row()) {
    what.lost = positions_.first_row() - what.row;
    what.row = positions_.first_row();
  }
  what.cursor = positions_.CursorOf(what.row);
  what.rows = static_cast<uint32_t>(std::min<uint64_t>(max_rows, positions_.RowsInRun(what.row)));
  what.left = positions_.next_row() - what.row - what.rows;
  return what;
}

absl::StatusOr<Table::LogRead> Table::Read(
    uint64_t cursor, uint32_t max_rows,
    absl::FunctionRef<void(const ColumnStore&, uint64_t, const LogRead&)> read,
    const ListenerPtr& listener) const {
  const absl::ReaderMutexLock lock(&mutex_);
  ESTUARY_ASSIGN_OR_RETURN(const LogRead what, Locate(cursor, max_rows));
  if (what.rows > 0) {
    read(store_, what.row % capacity_, what);
  } else if (listener != nullptr) {
    readers_waiting_.Add(listener);
  }
  return what;
}

uint32_t Table::AdmitSamples(uint32_t batch, uint32_t max_rows) {
  uint64_t rows =
      std::min({uint64_t{max_rows}, selector_->DrawsLeft(held()), limiter_.SamplesAllowed()});
  if (!consumed()) rows -= rows % batch;
  limiter_.Sampled(static_cast<double>(rows));
  return static_cast<uint32_t>(rows);
}

void Table::DrawRows(uint32_t rows, Draw& draw) const {
  const HeldRows window = held();
  selector_->Draw(window, rows, draw.random, draw.drawn);
  draw.slots.resize(rows);
  draw.cursors.resize(rows);
  draw.ages.clear();
  for (uint32_t i = 0; i < rows; ++i) {
    draw.slots[i] = draw.drawn.rows[i] % capacity_;
    draw.cursors[i] = positions_.CursorOf(draw.drawn.rows[i]);
  }
  if (positions_.RowsInRun(window.first) < window.count()) {
    for (const uint64_t row : draw.drawn.rows) draw.ages.push_back(window.next - row);
  }
  draw.table_rows = window.count();
  draw.next_cursor = positions_.next_cursor();
  draw.weight = selector_->Weight(window);
}

bool Table::EvictUsedUp() {
  const uint64_t used_up = selector_->UsedUp(held());
  positions_.Evict(used_up);
  return used_up > 0;
}

uint32_t Table::Sample(uint32_t batch, uint32_t max_rows, Draw& draw,
                       absl::FunctionRef<void(const ColumnStore&, const Draw&)> write,
                       const ListenerPtr& listener) {
  uint32_t rows = 0;
  bool room = false;
  {
    const absl::MutexLock lock(&mutex_);
    rows = AdmitSamples(batch, max_rows);
    if (rows == 0) {
      readers_waiting_.Add(listener);
      return 0;
    }
    if (consumed()) {
      DrawRows(rows, draw);
      write(store_, draw);
      room = EvictUsedUp();
    }
  }
  if (!consumed()) {
    // Rows never leave without others coming: the table is still not empty.
    const absl::ReaderMutexLock lock(&mutex_);
    DrawRows(rows, draw);
    write(store_, draw);
  }
  if (room || config_.has_limiter()) WakeWriters();
  return rows;
}

absl::StatusOr<Table::Updated> Table::UpdatePriorities(absl::Span<const uint64_t> cursors,
                                                       absl::Span<const float> priorities) {
  if (config_.selector() != v1::SELECTOR_PRIORITIZED) {
    return absl::FailedPreconditionError(
        absl::StrCat("table '", name(), "' does not draw by priorities; its selector is ",
                     v1::Selector_Name(config_.selector())));
  }
  if (cursors.size() != priorities.size()) {
    return absl::InvalidArgumentError(absl::StrCat(cursors.size(), " rows and ", priorities.size(),
                                                   " priorities; give one for each"));
  }
  ESTUARY_RETURN_IF_ERROR(CheckPriorities(priorities, static_cast<uint32_t>(priorities.size())));
  std::vector<uint64_t> rows;
  std::vector<float> values;
  const absl::MutexLock lock(&mutex_);
  for (size_t i = 0; i < cursors.size(); ++i) {
    const uint64_t row = positions_.RowAtOrAfter(cursors[i]);
    if (row < positions_.first_row() || row >= positions_.next_row()) continue;
    if (positions_.CursorOf(row) != cursors[i]) continue;
    rows.push_back(row);
    values.push_back(priorities[i]);
  }
  selector_->SetPriorities(rows, values);
  return Updated{.updated = rows.size(), .gone = cursors.size() - rows.size()};
}

uint64_t Table::next_cursor() const {
  const absl::ReaderMutexLock lock(&mutex_);
  return positions_.next_cursor();
}

absl::Status Table::CheckBatch(uint32_t rows) const {
  const absl::ReaderMutexLock lock(&mutex_);
  return process::Annotate(limiter_.CheckBatch(rows), absl::StrCat("table '", name(), "'"));
}

void Table::CountSamples(double samples) {
  {
    const absl::MutexLock lock(&mutex_);
    limiter_.Sampled(samples);
  }
  WakeWriters();
}

}  // namespace estuary::replay
