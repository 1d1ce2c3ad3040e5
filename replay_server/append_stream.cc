#include "replay_server/append_stream.h"

#include "absl/strings/str_cat.h"
#include "common/transition/block.h"

namespace estuary::replay {
namespace {

constexpr uint32_t kMaxBlockRows = 1 << 16;
constexpr size_t kMaxBlockBytes = 8 << 20;

// The first `rows` rows alone.
void Truncate(const transition::Schema& schema, uint32_t rows, v1::TransitionBlock& block) {
  for (int i = 0; i < schema.columns(); ++i) {
    block.mutable_columns(i)->resize(rows * schema.column_bytes(i));
  }
  block.set_rows(rows);
}

v1::TransitionBlock OneRow(const transition::Schema& schema, const v1::TransitionBlock& block,
                           uint32_t row) {
  v1::TransitionBlock one;
  one.set_rows(1);
  for (int i = 0; i < schema.columns(); ++i) {
    const size_t bytes = schema.column_bytes(i);
    one.add_columns(block.columns(i).substr(row * bytes, bytes));
  }
  return one;
}

}  // namespace

absl::Status AppendStream::TakeHello() {
  if (!request_.has_hello()) {
    return absl::InvalidArgumentError("the first message of an Append stream must be the hello");
  }
  const v1::AppendHello& hello = request_.hello();
  ESTUARY_RETURN_IF_ERROR(process::AuthorizeAppend(caller_, hello.table()));
  ESTUARY_ASSIGN_OR_RETURN(ShardTable * table, shard_.Find(hello.table()));
  ESTUARY_ASSIGN_OR_RETURN(const transition::Schema theirs,
                           transition::Schema::FromProto(hello.schema()));
  ESTUARY_RETURN_IF_ERROR(
      table->table->schema().CheckEqual(theirs, absl::StrCat("table '", hello.table(), "'")));
  ESTUARY_ASSIGN_OR_RETURN(session_, table->table->OpenWriter(hello.writer_id()));
  table_ = table;
  bulk_ = hello.bulk();
  ++table_->table->traffic().writers;
  return absl::OkStatus();
}

void AppendStream::TakeBlock() {
  if (!request_.has_block()) {
    error_ = absl::InvalidArgumentError("an Append stream holds blocks after its hello");
    return;
  }
  Table& table = *table_->table;
  v1::AppendBlock& append = *request_.mutable_block();
  v1::TransitionBlock& block = *append.mutable_block();
  if (block.rows() == 0) {
    error_ = absl::InvalidArgumentError("a block has no rows");
    return;
  }
  const uint32_t rows = block.rows();
  const uint32_t most = static_cast<uint32_t>(
      std::min<size_t>(kMaxBlockRows, kMaxBlockBytes / table.schema().row_bytes() + 1));
  error_ = transition::CheckBlock(table.schema(), block, most, /*check_finite=*/false);
  if (error_.ok()) error_ = table.CheckPriorities(append.priority(), rows);
  if (!error_.ok()) {
    table.CountRejected(rows);
    return;
  }
  if (!transition::CheckBlock(table.schema(), block, most, /*check_finite=*/true).ok()) {
    uint32_t row = 0;
    while (
        row < rows &&
        transition::CheckBlock(table.schema(), OneRow(table.schema(), block, row), 1, true).ok()) {
      ++row;
    }
    const absl::Status why = transition::CheckBlock(table.schema(), block, most, true);
    error_ =
        process::Annotate(why, absl::StrCat("table '", table.name(),
                                            "' refuses the row with "
                                            "sequence ",
                                            append.first_sequence() + row, " of writer '",
                                            session_.writer->id, "' (rows before it are stored)"));
    table.CountRejected(rows - row);
    if (row == 0) return;
    Truncate(table.schema(), row, block);
    if (append.priority_size() > 0) {
      append.mutable_priority()->Truncate(static_cast<int>(row));
    }
  }
  has_block_ = true;
  rows_done_ = 0;
}

void AppendStream::StoreBlock() {
  v1::AppendBlock& append = *request_.mutable_block();
  // Storing may take the block's memory.
  const uint32_t rows = append.block().rows();
  while (rows_done_ < rows) {
    const absl::StatusOr<ShardTable::Appended> appended =
        table_->Append(session_, append.first_sequence() + rows_done_, *append.mutable_block(),
                       rows_done_, bulk_, shared_from_this(), append.priority());
    if (!appended.ok()) {
      error_ = appended.status();
      has_block_ = false;
      waiting_.For(nullptr);
      return;
    }
    rows_done_ += appended->rows;
    if (appended->rows == 0) {
      TableTraffic& traffic = table_->table->traffic();
      waiting_.For(appended->disk_is_behind ? &traffic.writers_for_disk
                                            : &traffic.writers_for_samples);
      return;
    }
  }
  has_block_ = false;
  waiting_.For(nullptr);
}

void AppendStream::Answer(const Table::WriterState& state) {
  if (!may_write()) return;
  if (!welcomed_) {
    // What an earlier session has under way might still fail: wait until it is known.
    if (!state.settled) return;
    welcomed_ = true;
    v1::AppendWelcome& welcome = *response_.mutable_welcome();
    welcome.set_shard_id(shard_.id());
    welcome.set_next_sequence(state.stored);
  } else if (state.stored > told_) {
    response_.mutable_ack()->set_next_sequence(state.stored);
  } else {
    return;
  }
  told_ = state.stored;
  Write();
}

void AppendStream::Step() {
  if (broken()) return End(absl::CancelledError("the writer is gone"));
  if (TakeRequest()) {
    if (table_ == nullptr) {
      error_ = TakeHello();
    } else {
      TakeBlock();
    }
  }
  if (table_ == nullptr) {
    if (!error_.ok()) return End(error_);
    if (read_ended()) return End(absl::OkStatus());
    if (draining()) return End(absl::UnavailableError("the replay server is shutting down"));
    if (read_idle()) Read();
    return;
  }
  if (has_block_) StoreBlock();
  const Table::WriterState state = table_->table->StateOf(session_, shared_from_this());
  if (error_.ok()) error_ = table_->CommitError(session_);
  Answer(state);
  const bool stop = !error_.ok() || draining();
  if (!has_block_ && !stop && read_idle() && welcomed_) Read();
  if (!may_write() || !state.settled || (has_block_ && !draining())) return;
  if (!error_.ok()) return End(error_);
  if (read_ended()) return End(absl::OkStatus());
  if (draining()) End(absl::UnavailableError("the replay server is shutting down"));
}

void AppendStream::Gone() {
  if (table_ == nullptr) return;
  waiting_.For(nullptr);
  --table_->table->traffic().writers;
}

}  // namespace estuary::replay
