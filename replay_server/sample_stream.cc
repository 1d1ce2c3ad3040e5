#include "replay_server/sample_stream.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "replay_server/block_wire.h"

namespace estuary::replay {
namespace {

constexpr uint32_t kMaxBatch = 1 << 16;
constexpr size_t kMaxBatchBytes = 16 << 20;
// Small batches travel together: a message costs as much as some thousand rows.
constexpr size_t kMessageBytes = 256 << 10;

}  // namespace

absl::Status SampleStream::TakeHello() {
  if (!message_.has_hello()) {
    return absl::InvalidArgumentError("the first message of a Sample stream must hold the hello");
  }
  const v1::SampleHello& hello = message_.hello();
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
  const size_t batch_bytes = batch_size_ * table->table->schema().row_bytes();
  rows_together_ =
      batch_size_ * static_cast<uint32_t>(std::max<size_t>(1, kMessageBytes / batch_bytes));
  draw_.random.seed(hello.seed() != 0 ? hello.seed() : shard_.NextSeed());
  table_ = table->table.get();
  ++table_->traffic().samplers;
  return absl::OkStatus();
}

grpc::ByteBuffer SampleStream::Message(const ColumnStore& store, const Table::Draw& draw) {
  using Wire = WireWriter;
  using Field = v1::SampleResponse;
  const auto rows = static_cast<uint32_t>(draw.slots.size());
  const std::vector<double>& probabilities = draw.drawn.probabilities;
  const size_t block_bytes = BlockWireSize(store, rows);
  const size_t cursor_bytes = Wire::PackedSize(draw.cursors);
  const size_t age_bytes = Wire::PackedSize(draw.ages);
  const size_t bytes = Wire::BytesSize(block_bytes) + Wire::BytesSize(cursor_bytes) +
                       Wire::VarintSize(draw.table_rows) + Wire::VarintSize(draw.next_cursor) +
                       Wire::BytesSize(probabilities.size() * sizeof(double)) + Wire::DoubleSize() +
                       Wire::BytesSize(age_bytes);
  std::unique_ptr<MessageMemory::Buffer> buffer = memory_.Take(bytes);
  WireWriter out(buffer->data());
  out.Open(Field::kBlockFieldNumber, block_bytes);
  WriteRows(store, draw.slots, out);
  out.Packed(Field::kCursorFieldNumber, draw.cursors, cursor_bytes);
  out.Varint(Field::kTableRowsFieldNumber, draw.table_rows);
  out.Varint(Field::kNextCursorFieldNumber, draw.next_cursor);
  out.Packed(Field::kProbabilityFieldNumber, probabilities);
  out.Double(Field::kWeightFieldNumber, draw.weight);
  out.Packed(Field::kAgeFieldNumber, draw.ages, age_bytes);
  return MessageMemory::ToMessage(std::move(buffer), bytes);
}

void SampleStream::Step() {
  if (broken()) return End(absl::CancelledError("the sampler is gone"));
  if (const absl::StatusOr<bool> taken = TakeMessage(); !taken.ok()) {
    return End(taken.status());
  } else if (*taken) {
    if (table_ == nullptr) {
      const absl::Status status = TakeHello();
      if (!status.ok()) return End(status);
    }
    credits_ += uint64_t{message_.credits()} * batch_size_;
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
  if (table_ == nullptr || !may_write()) return;
  if (credits_ == 0) return waiting_.For(nullptr);
  const auto most = static_cast<uint32_t>(std::min<uint64_t>(credits_, rows_together_));
  const auto fill = [this](const ColumnStore& store, const Table::Draw& draw) {
    response_ = Message(store, draw);
  };
  const uint32_t drawn = table_->Sample(batch_size_, most, draw_, fill, shared_from_this());
  TableTraffic& traffic = table_->traffic();
  if (drawn == 0) return waiting_.For(&traffic.samplers_for_inserts);
  credits_ -= drawn;
  traffic.sent_bytes += drawn * table_->schema().row_bytes();
  // Until the message is gone.
  waiting_.For(credits_ > 0 ? &traffic.samplers_for_network : nullptr);
  Write();
}

void SampleStream::Gone() {
  if (table_ == nullptr) return;
  waiting_.For(nullptr);
  --table_->traffic().samplers;
}

}  // namespace estuary::replay
