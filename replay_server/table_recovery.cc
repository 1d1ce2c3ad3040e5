// A table's way to the disk and back.
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/process/log.h"
#include "common/process/status.h"
#include "replay_server/table.h"
#include "replay_server/table_config.h"

namespace estuary::replay {

absl::Status Table::Restore(const v1::TableState& state, uint64_t cursor) {
  ESTUARY_ASSIGN_OR_RETURN(const transition::Schema stored,
                           transition::Schema::FromProto(state.config().schema()));
  ESTUARY_RETURN_IF_ERROR(stored.CheckEqual(schema_, absl::StrCat("table '", name(), "' on disk")));
  const absl::MutexLock lock(&mutex_);
  for (const v1::TableState::Writer& writer : state.writers()) {
    writers_.Restore(writer.writer_id(), writer.next_sequence());
  }
  std::vector<LogPositions::Run> runs;
  for (const v1::TableState::Run& run : state.runs()) {
    runs.push_back({.row = run.row(), .cursor = run.cursor()});
  }
  positions_.Restore(runs, cursor);
  selector_->RestoreMaxPriority(state.max_priority());
  inserted_ = state.inserted();
  inserted_in_bulk_ = state.inserted_in_bulk();
  limiter_.Restore(inserted_ - inserted_in_bulk_, state.sampled());
  TakeConfigOf(state);
  return absl::OkStatus();
}

void Table::TakeConfigOf(const v1::TableState& state) {
  stored_difference_ = Differences(state.config(), config_);
  stored_limiter_differs_ =
      state.config().limiter().SerializeAsString() != config_.limiter().SerializeAsString();
}

void Table::RestoreLater(const v1::TableState& state) {
  const absl::MutexLock lock(&mutex_);
  selector_->RestoreMaxPriority(state.max_priority());
  limiter_.Restore(limiter_.inserted(), state.sampled());
  TakeConfigOf(state);
}

void Table::FinishRestore() {
  const absl::MutexLock lock(&mutex_);
  if (!stored_difference_.empty()) {
    spdlog::warn("table '{}' was stored with another configuration; the new one holds: {}", name(),
                 stored_difference_);
  }
  // What a log on the disk does not know is what was sampled since its newest head: inserts that
  // would wait for samples that were drawn long ago are let in.
  const bool behind = durable() && config_.has_limiter() && limiter_.InsertsAllowed() == 0;
  if (stored_limiter_differs_ || behind) limiter_.Balance();
}

absl::Status Table::RestoreBlock(const v1::StoredBlock& stored, bool replay) {
  const uint32_t rows = stored.block().rows();
  for (const int size : {stored.priority_size(), stored.times_sampled_size()}) {
    if (size == 0 || size == static_cast<int>(rows)) continue;
    return absl::DataLossError(absl::StrCat("a stored block of ", rows, " rows has ", size,
                                            " priorities or counts of draws"));
  }
  const absl::MutexLock lock(&mutex_);
  if (config_.remover() == v1::REMOVER_NONE && positions_.rows() + rows > capacity_) {
    return absl::FailedPreconditionError(
        absl::StrCat("table '", name(), "' has more rows on disk than its capacity of ", capacity_,
                     ", and never evicts; raise its capacity"));
  }
  positions_.JumpTo(stored.cursor());
  const uint64_t first = positions_.next_row();
  StoreRows(stored.block(), 0, rows, stored.priority());
  for (int i = 0; i < stored.times_sampled_size(); ++i) {
    const uint64_t row = first + static_cast<uint64_t>(i);
    if (row >= positions_.first_row()) {
      selector_->RestoreTimesDrawn(held(), row, stored.times_sampled(i));
    }
  }
  EvictUsedUp();
  if (!replay) return absl::OkStatus();
  writers_.Restore(stored.writer_id(), stored.first_sequence() + rows);
  inserted_ += rows;
  if (stored.bulk()) {
    inserted_in_bulk_ += rows;
  } else {
    limiter_.Inserted(rows);
  }
  return absl::OkStatus();
}

void Table::JumpTo(uint64_t cursor) {
  const absl::MutexLock lock(&mutex_);
  positions_.JumpTo(cursor);
}

Table::Snapshot Table::TakeSnapshot() const {
  const absl::ReaderMutexLock lock(&mutex_);
  Snapshot snapshot;
  *snapshot.state.mutable_config() = config_;
  writers_.Save(snapshot.state);
  for (const LogPositions::Run& run : positions_.runs()) {
    v1::TableState::Run& saved = *snapshot.state.add_runs();
    saved.set_row(run.row);
    saved.set_cursor(run.cursor);
  }
  snapshot.state.set_inserted(inserted_);
  snapshot.state.set_inserted_in_bulk(inserted_in_bulk_);
  snapshot.state.set_sampled(limiter_.sampled());
  snapshot.state.set_max_priority(selector_->max_priority());
  snapshot.first_cursor = positions_.first_cursor();
  snapshot.next_cursor = positions_.next_cursor();
  return snapshot;
}

absl::StatusOr<Table::LogRead> Table::ReadToStore(uint64_t cursor, uint32_t max_rows,
                                                  v1::StoredBlock& block) const {
  const absl::ReaderMutexLock lock(&mutex_);
  ESTUARY_ASSIGN_OR_RETURN(const LogRead what, Locate(cursor, max_rows));
  store_.Read(what.row % capacity_, what.rows, *block.mutable_block());
  block.clear_priority();
  block.clear_times_sampled();
  for (uint64_t row = what.row; row < what.row + what.rows; ++row) {
    if (selector_->has_priorities()) block.add_priority(selector_->PriorityOf(row));
    if (consumed()) block.add_times_sampled(selector_->TimesDrawn(row));
  }
  return what;
}

}  // namespace estuary::replay
