#include "common/client/replay_follower_shard.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/process/log.h"
#include "common/process/status.h"

namespace estuary::client {
namespace {

// The standard columns have the sizes that the rows need; a table may have more behind them.
bool WellFormed(const transition::Schema& schema, const v1::TransitionBlock& block) {
  if (block.columns_size() < transition::kStandardColumns) return false;
  for (int i = 0; i < transition::kStandardColumns; ++i) {
    if (block.columns(i).size() != block.rows() * schema.column_bytes(i)) return false;
  }
  return true;
}

}  // namespace

ReplayFollowerShard::ReplayFollowerShard(const ReplayFollowerOptions& options, int index,
                                         uint64_t cursor, Handlers handlers)
    : options_(options),
      index_(index),
      name_(absl::StrCat("follower of table '", options.table, "' at ", options.shards[index])),
      handlers_(std::move(handlers)),
      channel_(options.shards[index]),
      cursor_(cursor),
      thread_([this] { Run(); }) {}

void ReplayFollowerShard::Stop() {
  // First the call: a report that is stuck in it holds the lock.
  call_.Stop();
  {
    const absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

bool ReplayFollowerShard::Report(double samples) {
  const absl::MutexLock lock(&mutex_);
  if (stream_ == nullptr) return false;
  v1::FollowRequest request;
  request.set_samples_drawn(samples);
  return stream_->Write(request);
}

void ReplayFollowerShard::Run() {
  RetryPauses pauses(name_, "the shard", static_cast<uint64_t>(index_) + 1);
  const auto stopping = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stopping_; };
  while (true) {
    bool worked = false;
    const absl::Status status = Session(worked);
    if (worked) pauses.Connected();
    const absl::MutexLock lock(&mutex_);
    if (stopping_) return;
    if (absl::IsOutOfRange(status) && cursor_ > 0) {
      // The shard's data was lost and its log begins anew.
      spdlog::warn("{}; following its log from the beginning", std::string(status.message()));
      cursor_ = 0;
    } else if (IsFinal(status)) {
      handlers_.failed(status);
      return;
    }
    mutex_.AwaitWithTimeout(absl::Condition(&stopping), pauses.Next(status));
    if (stopping_) return;
  }
}

absl::Status ReplayFollowerShard::Session(bool& worked) {
  ESTUARY_RETURN_IF_ERROR(process::Annotate(call_.Connect(channel_), name_));
  grpc::ClientContext context;
  if (!call_.Begin(&context)) return absl::CancelledError("stopped");
  const auto stub = v1::Replay::NewStub(channel_.get());
  const std::unique_ptr<Stream> stream = stub->Follow(&context);
  v1::FollowRequest request;
  v1::FollowHello& hello = *request.mutable_hello();
  hello.set_table(options_.table);
  *hello.mutable_schema() = options_.schema.proto();
  hello.set_cursor(cursor_);
  hello.set_max_rows(options_.max_rows);
  absl::Status status;
  if (stream->Write(request)) {
    {
      const absl::MutexLock lock(&mutex_);
      stream_ = stream.get();
    }
    handlers_.connected(true);
    v1::FollowResponse response;
    while (status.ok() && stream->Read(&response)) {
      worked = true;
      status = Take(response);
    }
    const absl::MutexLock lock(&mutex_);
    stream_ = nullptr;
  }
  if (!status.ok()) context.TryCancel();
  const absl::Status end = process::FromGrpc(stream->Finish());
  call_.End();
  handlers_.connected(false);
  if (status.ok()) status = end.ok() ? absl::UnavailableError("the stream ended") : end;
  return process::Annotate(status, name_);
}

absl::Status ReplayFollowerShard::Take(v1::FollowResponse& response) {
  if (shard_id_ != response.shard_id()) {
    const bool other_log = !shard_id_.empty() && cursor_ > 0;
    if (other_log) {
      spdlog::warn("{}: shard {} has taken the place of {}; following its log from the beginning",
                   name_, response.shard_id(), shard_id_);
      cursor_ = 0;
    }
    shard_id_ = response.shard_id();
    if (other_log) return absl::UnavailableError("another shard serves there");
  }
  if (!WellFormed(options_.schema, response.block())) {
    return absl::DataLossError("the shard sent a block that its schema does not allow");
  }
  FollowedBlock block;
  block.shard = index_;
  block.cursor = response.cursor();
  block.end = response.cursor() + response.block().rows();
  block.lost = response.lost();
  block.caught_up = block.end == response.next_cursor();
  block.block.Swap(response.mutable_block());
  cursor_ = block.end;
  const uint64_t behind = response.next_cursor() - block.end;
  if (!handlers_.block(std::move(block), behind)) return absl::CancelledError("stopped");
  return absl::OkStatus();
}

}  // namespace estuary::client
