#include "replay_server/sample_stream.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace estuary::replay {
namespace {

constexpr uint32_t kMaxBatch = 1 << 16;
constexpr size_t kMaxBatchBytes = 16 << 20;

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
  const bool drawn = table_->Sample(batch_size_, random_, response_, shared_from_this());
  SetWaiting(!drawn);
  if (!drawn) return;
  --credits_;
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
