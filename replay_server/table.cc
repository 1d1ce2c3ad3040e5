#include "replay_server/table.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
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
  return std::unique_ptr<Table>(new Table(config, std::move(schema), std::move(store)));
}

Table::Table(v1::TableConfig config, transition::Schema schema, ColumnStore store)
    : config_(std::move(config)),
      schema_(std::move(schema)),
      capacity_(store.capacity()),
      store_(std::move(store)),
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
  Reservation reservation;
  ESTUARY_ASSIGN_OR_RETURN(reservation.duplicates,
                           WriterRegistry::Duplicates(session, first_sequence, rows));
  uint64_t room = rows - reservation.duplicates;
  duplicates_ += reservation.duplicates;
  if (room == 0) return reservation;
  if (config_.remover() == v1::REMOVER_NONE) {
    room = std::min(room, capacity_ - std::min(capacity_, positions_.rows() + reserved_));
    if (room == 0) {
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
                    uint32_t rows, bool bulk) {
  {
    const absl::MutexLock lock(&mutex_);
    PublishLocked(session, block, first, rows, bulk);
  }
  readers_waiting_.WakeAll();
}

void Table::PublishLocked(const WriterSession& session, const v1::TransitionBlock& block,
                          uint32_t first, uint32_t rows, bool bulk) {
  StoreRows(block, first, rows);
  session.writer->stored += rows;
  reserved_ -= rows;
  if (bulk) {
    inserted_in_bulk_ += rows;
  } else {
    reserved_limited_ -= rows;
  }
  inserted_ += rows;
}

void Table::StoreRows(const v1::TransitionBlock& block, uint32_t first, uint32_t rows) {
  // Of more rows than the ring holds, the last remain.
  const uint32_t skip = rows > capacity_ ? static_cast<uint32_t>(rows - capacity_) : 0;
  const uint64_t slot = (positions_.next_row() + skip) % capacity_;
  store_.Write(slot, block, first + skip, rows - skip);
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
                                                 bool bulk, const ListenerPtr& listener) {
  absl::StatusOr<Reservation> reservation = absl::UnknownError("");
  {
    const absl::MutexLock lock(&mutex_);
    reservation = ReserveLocked(session, first_sequence, block.rows() - first, bulk, listener);
    if (!reservation.ok() || reservation->taken == 0) return reservation;
    PublishLocked(session, block, first + reservation->duplicates, reservation->taken, bulk);
  }
  readers_waiting_.WakeAll();
  return reservation;
}

absl::StatusOr<Table::LogRead> Table::Read(
    uint64_t cursor, uint32_t max_rows,
    absl::FunctionRef<void(const ColumnStore&, uint64_t, const LogRead&)> read,
    const ListenerPtr& listener) const {
  const absl::ReaderMutexLock lock(&mutex_);
  LogRead what;
  if (cursor > positions_.next_cursor()) {
    return absl::OutOfRangeError(absl::StrCat("table '", name(), "' ends at cursor ",
                                              positions_.next_cursor(), ", asked for ", cursor,
                                              "; does the cursor come from another shard?"));
  }
  uint64_t row = positions_.RowAtOrAfter(cursor);
  if (row < positions_.first_row()) {
    what.lost = positions_.first_row() - row;
    row = positions_.first_row();
  }
  what.cursor = positions_.CursorOf(row);
  what.rows = static_cast<uint32_t>(std::min<uint64_t>(max_rows, positions_.RowsInRun(row)));
  what.left = positions_.next_row() - row - what.rows;
  if (what.rows > 0) {
    read(store_, row % capacity_, what);
  } else if (listener != nullptr) {
    readers_waiting_.Add(listener);
  }
  return what;
}

uint32_t Table::Sample(uint32_t rows, uint32_t batches, std::mt19937_64& random,
                       v1::SampleResponse& drawn, const ListenerPtr& listener) {
  {
    const absl::MutexLock lock(&mutex_);
    if (positions_.rows() == 0) batches = 0;
    while (batches > 0 && !limiter_.SampleAllowed(batches * rows)) --batches;
    if (batches == 0) {
      readers_waiting_.Add(listener);
      return 0;
    }
    limiter_.Sampled(batches * rows);
  }
  {
    // Rows never leave without others coming: the table is still not empty.
    const absl::ReaderMutexLock lock(&mutex_);
    DrawRows(batches * rows, random, drawn);
  }
  if (config_.has_limiter()) WakeWriters();
  return batches;
}

void Table::DrawRows(uint32_t rows, std::mt19937_64& random, v1::SampleResponse& drawn) const {
  const uint64_t held = positions_.rows();
  thread_local std::vector<uint64_t> slots;
  slots.resize(rows);
  drawn.mutable_cursor()->Resize(static_cast<int>(rows), 0);
  uint64_t* cursors = drawn.mutable_cursor()->mutable_data();
  for (uint32_t i = 0; i < rows; ++i) {
    // Lemire's reduction: the bias of at most held / 2^64 is far below what can be observed.
    const auto index = static_cast<uint64_t>(
        (static_cast<unsigned __int128>(random()) * static_cast<unsigned __int128>(held)) >> 64);
    const uint64_t row = positions_.first_row() + index;
    slots[i] = row % capacity_;
    cursors[i] = positions_.CursorOf(row);
  }
  store_.Gather(slots, *drawn.mutable_block());
  drawn.set_table_rows(held);
  drawn.set_next_cursor(positions_.next_cursor());
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
  inserted_ = state.inserted();
  inserted_in_bulk_ = state.inserted_in_bulk();
  limiter_.Restore(inserted_ - inserted_in_bulk_, state.sampled());
  const v1::TableConfig& old = state.config();
  if (old.SerializeAsString() == config_.SerializeAsString()) return absl::OkStatus();
  spdlog::warn(
      "table '{}' was stored with another configuration; the new one holds: was {{{}}}, "
      "is {{{}}}",
      name(), old.ShortDebugString(), config_.ShortDebugString());
  if (old.limiter().SerializeAsString() != config_.limiter().SerializeAsString()) {
    limiter_.Balance();
  }
  return absl::OkStatus();
}

absl::Status Table::RestoreBlock(const v1::StoredBlock& stored, bool replay) {
  const absl::MutexLock lock(&mutex_);
  const uint32_t rows = stored.block().rows();
  if (config_.remover() == v1::REMOVER_NONE && positions_.rows() + rows > capacity_) {
    return absl::FailedPreconditionError(
        absl::StrCat("table '", name(), "' has more rows on disk than its capacity of ", capacity_,
                     ", and never evicts; raise its capacity"));
  }
  positions_.JumpTo(stored.cursor());
  StoreRows(stored.block(), 0, rows);
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
  snapshot.first_cursor = positions_.first_cursor();
  snapshot.next_cursor = positions_.next_cursor();
  return snapshot;
}

}  // namespace estuary::replay
