#include "replay_server/follow_stream.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "replay_server/block_wire.h"

namespace estuary::replay {
namespace {

// Large enough that a message's fixed costs vanish, small enough that the table's lock is held for
// some 30 us and a follower's memory stays small.
constexpr size_t kBlockBytes = 256 << 10;

}  // namespace

absl::Status FollowStream::TakeHello() {
  if (!message_.has_hello()) {
    return absl::InvalidArgumentError("the first message of a Follow stream must hold the hello");
  }
  const v1::FollowHello& hello = message_.hello();
  ESTUARY_ASSIGN_OR_RETURN(ShardTable * table, shard_.Find(hello.table()));
  ESTUARY_ASSIGN_OR_RETURN(const transition::Schema theirs,
                           transition::Schema::FromProto(hello.schema()));
  ESTUARY_RETURN_IF_ERROR(table->table->schema().CheckStandardEqual(
      theirs, absl::StrCat("table '", hello.table(), "'")));
  const size_t row_bytes = table->table->schema().row_bytes();
  max_rows_ = static_cast<uint32_t>(std::max<size_t>(1, kBlockBytes / row_bytes));
  if (hello.max_rows() > 0) max_rows_ = std::min(max_rows_, hello.max_rows());
  cursor_ = hello.cursor();
  table_ = table->table.get();
  table_->traffic().Add(&cursor_);
  return absl::OkStatus();
}

grpc::ByteBuffer FollowStream::Message(const ColumnStore& store, uint64_t slot,
                                       const Table::LogRead& what) {
  using Wire = WireWriter;
  using Field = v1::FollowResponse;
  const uint64_t log_end = what.cursor + what.rows + what.left;
  const size_t block_bytes = BlockWireSize(store, what.rows);
  const size_t bytes = Wire::BytesSize(shard_.id().size()) + Wire::VarintSize(what.cursor) +
                       Wire::VarintSize(what.lost) + Wire::BytesSize(block_bytes) +
                       Wire::VarintSize(log_end);
  std::unique_ptr<MessageMemory::Buffer> buffer = memory_.Take(bytes);
  WireWriter out(buffer->data());
  out.Bytes(Field::kShardIdFieldNumber, shard_.id());
  out.Varint(Field::kCursorFieldNumber, what.cursor);
  out.Varint(Field::kLostFieldNumber, what.lost);
  out.Open(Field::kBlockFieldNumber, block_bytes);
  WriteBlock(store, slot, what.rows, out);
  out.Varint(Field::kNextCursorFieldNumber, log_end);
  return MessageMemory::ToMessage(std::move(buffer), bytes);
}

absl::Status FollowStream::Send() {
  const auto fill = [this](const ColumnStore& store, uint64_t slot, const Table::LogRead& what) {
    response_ = Message(store, slot, what);
  };
  ESTUARY_ASSIGN_OR_RETURN(const Table::LogRead read,
                           table_->Read(cursor_, max_rows_, fill, shared_from_this()));
  TableTraffic& traffic = table_->traffic();
  if (read.rows == 0) {
    waiting_.For(&traffic.followers_for_inserts);
    return absl::OkStatus();
  }
  cursor_ = read.cursor + read.rows;
  traffic.sent_bytes += read.rows * table_->schema().row_bytes();
  // Until the message is gone.
  waiting_.For(read.left > 0 ? &traffic.followers_for_network : nullptr);
  Write();
  return absl::OkStatus();
}

void FollowStream::Step() {
  if (broken()) return End(absl::CancelledError("the follower is gone"));
  if (const absl::StatusOr<bool> taken = TakeMessage(); !taken.ok()) {
    return End(taken.status());
  } else if (*taken) {
    if (table_ == nullptr) {
      const absl::Status status = TakeHello();
      if (!status.ok()) return End(status);
    }
    const double samples = message_.samples_drawn();
    if (!std::isfinite(samples) || samples < 0) {
      return End(absl::InvalidArgumentError(
          absl::StrCat("samples_drawn is ", samples, "; it must be a count")));
    }
    if (samples > 0) table_->CountSamples(samples);
  }
  if (draining()) {
    if (may_write()) End(absl::UnavailableError("the replay server is shutting down"));
    return;
  }
  // A follower that sends no more reports still wants rows.
  if (read_ended() && table_ == nullptr) return End(absl::OkStatus());
  if (read_idle()) Read();
  if (table_ == nullptr || !may_write()) return;
  const absl::Status status = Send();
  if (!status.ok()) End(status);
}

void FollowStream::Gone() {
  if (table_ == nullptr) return;
  waiting_.For(nullptr);
  table_->traffic().Remove(&cursor_);
}

}  // namespace estuary::replay
