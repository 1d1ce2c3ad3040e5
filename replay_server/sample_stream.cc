#include "replay_server/sample_stream.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace estuary::replay {
namespace {

constexpr uint32_t kMaxBatch = 1 << 16;
constexpr size_t kMaxBatchBytes = 16 << 20;
// Small batches travel together: a message costs as much as some thousand rows.
constexpr size_t kMessageBytes = 256 << 10;

}  // namespace

absl::Status SampleStream::TakeHello() {
  if (!request_.has_hello()) {
    return absl::InvalidArgumentError("the first message of a Sample stream must hold the hello");
  }
  const v1::SampleHello& hello = request_.hello();
  ESTUARY_ASSIGN_OR_RETURN(ShardTable * table, shard_.Find(hello.table()));
  ESTUARY_ASSIGN_OR_RETURN(const transition::Schema theirs,
                           transition::Schema::FromProto(hello.schema()));
  ESTUARY_RETURN_IF_ERROR(table->table->schema().CheckStandardEqual(
      theirs, absl::StrCat("table '", hello.table(), "'")));
  const uint64_t most =
      std::min<uint64_t>(kMaxBatch, kMaxBatchBytes / table->table->schema().row_bytes());
  if (hello.batch_size() == 0 || hello.batch_size() > most) {
    return absl::InvalidArgumentError(absl::StrCat("batch_size is ", hello.batch_size(),
                                                   "; table '", hello.table(), "' gives 1 to ",
                                                   most, " rows"));
  }
  ESTUARY_RETURN_IF_ERROR(table->table->CheckBatch(hello.batch_size()));
  batch_size_ = hello.batch_size();
  batches_together_ = static_cast<uint32_t>(
      std::max<size_t>(1, kMessageBytes / (batch_size_ * table->table->schema().row_bytes())));
  random_.seed(hello.seed() != 0 ? hello.seed() : shard_.NextSeed());
  table_ = table->table.get();
  return absl::OkStatus();
}

void SampleStream::Step() {
  if (broken()) return End(absl::CancelledError("the sampler is gone"));
  if (TakeRequest()) {
    if (table_ == nullptr) {
      const absl::Status status = TakeHello();
      if (!status.ok()) return End(status);
    }
    credits_ += request_.credits();
  }
  if (draining()) {
    if (may_write()) End(absl::UnavailableError("the replay server is shutting down"));
    return;
  }
  if (read_idle()) Read();
  if (read_ended() && (table_ == nullptr || credits_ == 0)) {
    if (may_write()) End(absl::OkStatus());
    return;
  }
  if (table_ == nullptr || !may_write() || credits_ == 0) return;
  const auto batches = static_cast<uint32_t>(std::min<uint64_t>(credits_, batches_together_));
  const uint32_t drawn =
      table_->Sample(batch_size_, batches, random_, response_, shared_from_this());
  SetWaiting(drawn == 0);
  if (drawn == 0) return;
  credits_ -= drawn;
  Write();
}

void SampleStream::SetWaiting(bool waiting) {
  if (waiting == waiting_) return;
  waiting_ = waiting;
  if (waiting) {
    table_->samplers_wait().Enter();
  } else {
    table_->samplers_wait().Leave();
  }
}

void SampleStream::Gone() {
  if (table_ != nullptr) SetWaiting(false);
}

}  // namespace estuary::replay
