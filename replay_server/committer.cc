#include "replay_server/committer.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/process/log.h"
#include "common/process/status.h"

namespace estuary::replay {
namespace {

// Without work for so long, the thread puts the log's mark on the disk.
constexpr absl::Duration kIdle = absl::Seconds(1);

size_t BlockBytes(const v1::TransitionBlock& block) {
  size_t bytes = 0;
  for (const std::string& column : block.columns()) bytes += column.size();
  return bytes;
}

v1::TransitionBlock Slice(const transition::Schema& schema, const v1::TransitionBlock& block,
                          uint32_t first, uint32_t rows) {
  v1::TransitionBlock slice;
  slice.set_rows(rows);
  for (int i = 0; i < schema.columns(); ++i) {
    const size_t bytes = schema.column_bytes(i);
    slice.add_columns(block.columns(i).data() + first * bytes, rows * bytes);
  }
  return slice;
}

}  // namespace

Committer::Committer(Table& table, std::unique_ptr<SegmentLog> log, process::Metrics& metrics)
    : table_(table),
      log_(std::move(log)),
      metrics_(metrics, table.name()),
      thread_([this] { Run(); }) {}

Committer::~Committer() {
  {
    const absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

absl::StatusOr<Committer::Appended> Committer::Append(const WriterSession& session,
                                                      uint64_t first_sequence,
                                                      v1::TransitionBlock& block, uint32_t first,
                                                      bool bulk, const ListenerPtr& listener,
                                                      absl::Span<const float> priorities) {
  // One lock around reserving and queueing: what is reserved is in the queue, so that a failure
  // finds all of it.
  const absl::MutexLock lock(&mutex_);
  const auto failure = failures_.find(session.writer);
  if (failure != failures_.end() && failure->second.session == session.number) {
    return failure->second.status;
  }
  if (queued_bytes_ >= kQueueBytes) {
    waiting_.Add(listener);
    return Appended{.rows = 0, .disk_is_behind = true};
  }
  ESTUARY_ASSIGN_OR_RETURN(
      const Table::Reservation reserved,
      table_.Reserve(session, first_sequence, block.rows() - first, bulk, listener));
  const Appended appended = {.rows = reserved.duplicates + reserved.taken};
  if (reserved.taken == 0) return appended;
  Pending pending;
  pending.session = session;
  pending.bulk = bulk;
  pending.came = absl::Now();
  v1::StoredBlock& stored = *pending.record.mutable_block();
  stored.set_writer_id(session.writer->id);
  stored.set_first_sequence(first_sequence + reserved.duplicates);
  stored.set_bulk(bulk);
  if (!priorities.empty()) {
    const absl::Span<const float> taken =
        priorities.subspan(first + reserved.duplicates, reserved.taken);
    stored.mutable_priority()->Add(taken.begin(), taken.end());
  }
  if (reserved.taken == block.rows()) {
    stored.mutable_block()->Swap(&block);
  } else {
    *stored.mutable_block() =
        Slice(table_.schema(), block, first + reserved.duplicates, reserved.taken);
  }
  queued_bytes_ += BlockBytes(stored.block());
  queue_.push_back(std::move(pending));
  return appended;
}

absl::Status Committer::ErrorOf(const WriterSession& session) const {
  const absl::MutexLock lock(&mutex_);
  const auto failure = failures_.find(session.writer);
  if (failure == failures_.end() || failure->second.session != session.number) {
    return absl::OkStatus();
  }
  return failure->second.status;
}

uint64_t Committer::commits() const {
  const absl::MutexLock lock(&mutex_);
  return commits_;
}

void Committer::Run() {
  std::vector<Pending> batch;
  while (true) {
    {
      const absl::MutexLock lock(&mutex_);
      if (mutex_.AwaitWithTimeout(absl::Condition(this, &Committer::HasWork), kIdle)) {
        if (queue_.empty()) break;
        batch.swap(queue_);
      }
    }
    if (batch.empty()) {
      SealMark();
      continue;
    }
    const absl::Status status = Commit(batch);
    if (status.ok()) {
      size_t bytes = 0;
      for (const Pending& pending : batch) {
        const v1::TransitionBlock& block = pending.record.block().block();
        bytes += BlockBytes(block);
        table_.Publish(pending.session, block, 0, block.rows(), pending.bulk,
                       pending.record.block().priority());
        metrics_.commit.Observe(absl::ToDoubleSeconds(absl::Now() - pending.came));
      }
      const absl::MutexLock lock(&mutex_);
      queued_bytes_ -= bytes;
      ++commits_;
    } else {
      Fail(batch, status);
    }
    batch.clear();
    waiting_.WakeAll();
    table_.WakeWriters();
  }
  SealMark();
}

void Committer::SealMark() {
  const absl::Status status = log_->SealMark();
  // Nothing is lost by that.
  if (!status.ok()) spdlog::warn("table '{}': {}", table_.name(), std::string(status.message()));
}

absl::Status Committer::Commit(std::vector<Pending>& batch) {
  if (log_->wants_roll()) {
    Table::Snapshot snapshot = table_.TakeSnapshot();
    log_->RemoveBefore(snapshot.first_cursor);
    v1::SegmentHead head;
    head.set_cursor(snapshot.next_cursor);
    *head.mutable_state() = std::move(snapshot.state);
    ESTUARY_RETURN_IF_ERROR(log_->Roll(head));
  }
  uint64_t cursor = table_.next_cursor();
  for (Pending& pending : batch) {
    pending.record.mutable_block()->set_cursor(cursor);
    cursor += pending.record.block().block().rows();
    log_->Add(pending.record);
  }
  const absl::Time start = absl::Now();
  const absl::Status appended = log_->Append();
  metrics_.fsync.Observe(absl::ToDoubleSeconds(absl::Now() - start));
  return appended;
}

void Committer::Fail(const std::vector<Pending>& batch, const absl::Status& status) {
  spdlog::error("table '{}': rows are refused: {}", table_.name(), std::string(status.message()));
  metrics_.failures.Increment();
  const absl::MutexLock lock(&mutex_);
  // Rows behind the lost ones would leave a gap.
  for (const std::vector<Pending>* lost : {&batch, &std::as_const(queue_)}) {
    for (const Pending& pending : *lost) {
      failures_[pending.session.writer] = {.session = pending.session.number, .status = status};
    }
  }
  queue_.clear();
  queued_bytes_ = 0;
  table_.Rollback();
}

}  // namespace estuary::replay
