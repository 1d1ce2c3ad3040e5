#include "replay_server/table.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/process/log.h"
#include "common/process/status.h"
#include "replay_server/table_config.h"

namespace estuary::replay {

absl::StatusOr<std::unique_ptr<Table>> Table::Create(const v1::TableConfig& config) {
  ESTUARY_RETURN_IF_ERROR(CheckTableConfig(config));
  ESTUARY_ASSIGN_OR_RETURN(transition::Schema schema,
                           transition::Schema::FromProto(config.schema()));
  ESTUARY_ASSIGN_OR_RETURN(ColumnStore store,
                           ColumnStore::Create(schema, RowCapacity(config, schema)));
  ESTUARY_ASSIGN_OR_RETURN(std::unique_ptr<Selector> selector,
                           MakeSelector(config, store.capacity()));
  return std::unique_ptr<Table>(
      new Table(config, std::move(schema), std::move(store), std::move(selector)));
}

Table::Table(v1::TableConfig config, transition::Schema schema, ColumnStore store,
             std::unique_ptr<Selector> selector)
    : config_(std::move(config)),
      schema_(std::move(schema)),
      capacity_(store.capacity()),
      store_(std::move(store)),
      selector_(std::move(selector)),
      limiter_(config_.has_limiter() ? Limiter(config_.limiter()) : Limiter()) {}

absl::StatusOr<WriterSession> Table::OpenWriter(const std::string& writer_id) {
  absl::StatusOr<WriterSession> session = absl::UnknownError("");
  {
    const absl::MutexLock lock(&mutex_);
    session = writers_.Open(writer_id);
  }
  if (!session.ok()) {
    return process::Annotate(session.status(), absl::StrCat("table '", name(), "'"));
  }
  // An older session of this writer may be waiting; it ends now.
  WakeWriters();
  return session;
}

Table::WriterState Table::StateOf(const WriterSession& session, const ListenerPtr& listener) const {
  const absl::ReaderMutexLock lock(&mutex_);
  const WriterState state = {.stored = session.writer->stored,
                             .settled = session.writer->stored == session.writer->accepted};
  if (!state.settled && listener != nullptr) writers_waiting_.Add(listener);
  return state;
}

absl::StatusOr<Table::Reservation> Table::Reserve(const WriterSession& session,
                                                  uint64_t first_sequence, uint32_t rows, bool bulk,
                                                  const ListenerPtr& listener) {
  const absl::MutexLock lock(&mutex_);
  return ReserveLocked(session, first_sequence, rows, bulk, listener);
}

absl::StatusOr<Table::Reservation> Table::ReserveLocked(const WriterSession& session,
                                                        uint64_t first_sequence, uint32_t rows,
                                                        bool bulk, const ListenerPtr& listener) {
  if (bulk && consumed() && config_.has_limiter()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "table '", name(), "' takes no bulk imports: its limiter would count their samples and not",
        " them, and with max_times_sampled ", config_.max_times_sampled(), " stop for ever"));
  }
  Reservation reservation;
  ESTUARY_ASSIGN_OR_RETURN(reservation.duplicates,
                           WriterRegistry::Duplicates(session, first_sequence, rows));
  uint64_t room = rows - reservation.duplicates;
  duplicates_ += reservation.duplicates;
  if (room == 0) return reservation;
  if (config_.remover() == v1::REMOVER_NONE) {
    room = std::min(room, capacity_ - std::min(capacity_, positions_.rows() + reserved_));
    if (room == 0 && !consumed()) {
      return absl::ResourceExhaustedError(
          absl::StrCat("table '", name(), "' is full with ", capacity_,
                       " rows and never evicts; raise its capacity"));
    }
  }
  if (!bulk) room = std::min(room, limiter_.InsertsAllowed());
  reservation.taken = static_cast<uint32_t>(room);
  if (reservation.duplicates + reservation.taken < rows && listener != nullptr) {
    writers_waiting_.Add(listener);
  }
  session.writer->accepted += room;
  reserved_ += room;
  if (!bulk) {
    limiter_.Inserted(room);
    reserved_limited_ += room;
  }
  return reservation;
}

void Table::Publish(const WriterSession& session, const v1::TransitionBlock& block, uint32_t first,
                    uint32_t rows, bool bulk, absl::Span<const float> priorities) {
  {
    const absl::MutexLock lock(&mutex_);
    PublishLocked(session, block, first, rows, bulk, priorities);
  }
  readers_waiting_.WakeAll();
}

void Table::PublishLocked(const WriterSession& session, const v1::TransitionBlock& block,
                          uint32_t first, uint32_t rows, bool bulk,
                          absl::Span<const float> priorities) {
  StoreRows(block, first, rows, priorities);
  session.writer->stored += rows;
  reserved_ -= rows;
  if (bulk) {
    inserted_in_bulk_ += rows;
  } else {
    reserved_limited_ -= rows;
  }
  inserted_ += rows;
  newest_row_ = absl::Now();
  traffic_.received_bytes += rows * schema_.row_bytes();
}

void Table::StoreRows(const v1::TransitionBlock& block, uint32_t first, uint32_t rows,
                      absl::Span<const float> priorities) {
  // Of more rows than the ring holds, the last remain.
  const uint32_t skip = rows > capacity_ ? static_cast<uint32_t>(rows - capacity_) : 0;
  const uint64_t slot = (positions_.next_row() + skip) % capacity_;
  store_.Write(slot, block, first + skip, rows - skip);
  selector_->Appended(positions_.next_row(), rows,
                      priorities.subspan(priorities.empty() ? 0 : first, rows));
  positions_.Append(rows);
  if (positions_.rows() > capacity_) positions_.Evict(positions_.rows() - capacity_);
}

void Table::Rollback() {
  const absl::MutexLock lock(&mutex_);
  writers_.Rollback();
  limiter_.Uninserted(reserved_limited_);
  reserved_ = 0;
  reserved_limited_ = 0;
}

absl::StatusOr<Table::Reservation> Table::Append(const WriterSession& session,
                                                 uint64_t first_sequence,
                                                 const v1::TransitionBlock& block, uint32_t first,
                                                 bool bulk, const ListenerPtr& listener,
                                                 absl::Span<const float> priorities) {
  absl::StatusOr<Reservation> reservation = absl::UnknownError("");
  {
    const absl::MutexLock lock(&mutex_);
    reservation = ReserveLocked(session, first_sequence, block.rows() - first, bulk, listener);
    if (!reservation.ok() || reservation->taken == 0) return reservation;
    PublishLocked(session, block, first + reservation->duplicates, reservation->taken, bulk,
                  priorities);
  }
  readers_waiting_.WakeAll();
  return reservation;
}

absl::Status Table::CheckPriorities(absl::Span<const float> priorities, uint32_t rows) const {
  if (priorities.empty()) return absl::OkStatus();
  if (config_.selector() != v1::SELECTOR_PRIORITIZED) {
    return absl::InvalidArgumentError(
        absl::StrCat("table '", name(), "' does not draw by priorities, but rows came with some; ",
                     "leave them out, or configure SELECTOR_PRIORITIZED"));
  }
  if (priorities.size() != rows) {
    return absl::InvalidArgumentError(absl::StrCat(priorities.size(), " priorities for ", rows,
                                                   " rows; give one a row, or none"));
  }
  for (size_t i = 0; i < priorities.size(); ++i) {
    if (!std::isfinite(priorities[i]) || priorities[i] < 0) {
      return absl::InvalidArgumentError(absl::StrCat("priority ", i, " is ", priorities[i],
                                                     "; it must be finite and at least 0"));
    }
  }
  return absl::OkStatus();
}

}  // namespace estuary::replay
