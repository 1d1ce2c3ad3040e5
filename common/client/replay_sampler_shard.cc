#include "common/client/replay_sampler_shard.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/client/replay_shards.h"
#include "common/process/channel.h"
#include "common/process/status.h"

namespace estuary::client {
namespace {

constexpr absl::Duration kDescribeTimeout = absl::Seconds(5);

// All of the schema's columns have the sizes that the rows need, and what is said of each row is
// said of all.
bool WellFormed(const transition::Schema& schema, uint32_t batch_size, bool consumed,
                const v1::SampleResponse& response) {
  const v1::TransitionBlock& block = response.block();
  const auto one_each = [&block](int size) { return static_cast<uint32_t>(size) == block.rows(); };
  if (block.columns_size() < schema.columns() || block.rows() == 0) return false;
  if (block.rows() % batch_size != 0 && !consumed) return false;
  if (!one_each(response.cursor_size())) return false;
  if (!one_each(response.probability_size()) && response.probability_size() != 1) return false;
  if (!one_each(response.age_size()) && response.age_size() != 0) return false;
  for (int i = 0; i < schema.columns(); ++i) {
    if (block.columns(i).size() != block.rows() * schema.column_bytes(i)) return false;
  }
  return true;
}

double ProbabilityOf(const v1::SampleResponse& response, uint32_t row) {
  return response.probability(response.probability_size() == 1 ? 0 : static_cast<int>(row));
}

uint64_t AgeOf(const v1::SampleResponse& response, uint32_t row) {
  const auto index = static_cast<int>(row);
  return response.age_size() > 0 ? response.age(index)
                                 : response.next_cursor() - response.cursor(index);
}

}  // namespace

ReplaySamplerShard::ReplaySamplerShard(const ReplaySamplerOptions& options, int index,
                                       std::function<void()> changed)
    : options_(options),
      index_(index),
      name_(absl::StrCat("sampler of table '", options.table, "' at ", options.shards[index])),
      changed_(std::move(changed)),
      channel_(options.shards[index]),
      thread_([this] { Run(); }) {}

ReplaySamplerShard::~ReplaySamplerShard() {
  call_.Stop();
  {
    const absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

ReplaySamplerShard::State ReplaySamplerShard::state() const {
  const absl::MutexLock lock(&mutex_);
  return state_;
}

void ReplaySamplerShard::Pop() {
  if (spare_.size() < options_.credits) spare_.push_back(std::move(pool_.front()));
  pool_.pop_front();
  taken_ = 0;
}

void ReplaySamplerShard::Grant(uint32_t rows) {
  state_.pooled -= rows;
  // Half of the window at a time, so that not every batch costs a message back.
  rows_to_grant_ += rows;
  const uint32_t credits = rows_to_grant_ / options_.batch_size;
  if (credits < std::max(1u, options_.credits / 2) || stream_ == nullptr) return;
  rows_to_grant_ -= credits * options_.batch_size;
  v1::SampleRequest request;
  request.set_credits(credits);
  // A broken stream shows in the reading thread.
  stream_->Write(request);
}

void ReplaySamplerShard::Take(uint32_t rows, double share, SampledBatch& batch) {
  const absl::MutexLock lock(&mutex_);
  while (batch.block.columns_size() < options_.schema.columns()) batch.block.add_columns();
  while (rows > 0) {
    const v1::SampleResponse& first = pool_.front();
    const uint32_t n = std::min(rows, first.block().rows() - taken_);
    for (int i = 0; i < options_.schema.columns(); ++i) {
      const size_t bytes = options_.schema.column_bytes(i);
      batch.block.mutable_columns(i)->append(first.block().columns(i), taken_ * bytes, n * bytes);
    }
    for (uint32_t k = taken_; k < taken_ + n; ++k) {
      batch.shard.push_back(index_);
      batch.cursor.push_back(first.cursor(static_cast<int>(k)));
      batch.age.push_back(AgeOf(first, k));
      batch.probability.push_back(share * ProbabilityOf(first, k));
    }
    batch.block.set_rows(batch.block.rows() + n);
    taken_ += n;
    rows -= n;
    if (taken_ == first.block().rows()) Pop();
    Grant(n);
  }
}

bool ReplaySamplerShard::TakeWhole(uint32_t rows, SampledBatch& batch) {
  const absl::MutexLock lock(&mutex_);
  if (pool_.empty() || taken_ != 0 || pool_.front().block().rows() != rows) return false;
  v1::SampleResponse& first = pool_.front();
  batch.shard.assign(rows, index_);
  batch.cursor.assign(first.cursor().begin(), first.cursor().end());
  batch.age.resize(rows);
  batch.probability.resize(rows);
  for (uint32_t k = 0; k < rows; ++k) {
    batch.age[k] = AgeOf(first, k);
    batch.probability[k] = ProbabilityOf(first, k);
  }
  batch.block.Swap(first.mutable_block());
  Pop();
  Grant(rows);
  return true;
}

absl::Status ReplaySamplerShard::Update(v1::UpdatePrioritiesRequest& request,
                                        absl::Duration timeout) const {
  grpc::ClientContext context;
  process::SetDeadline(context, timeout);
  request.set_table(options_.table);
  v1::UpdatePrioritiesResponse response;
  return process::Annotate(
      process::FromGrpc(
          v1::Replay::NewStub(channel_.get())->UpdatePriorities(&context, request, &response)),
      name_);
}

void ReplaySamplerShard::Run() {
  RetryPauses pauses(name_, "the shard", static_cast<uint64_t>(index_) + 1);
  const auto stopping = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stopping_; };
  while (true) {
    bool worked = false;
    absl::Status status = AskRows();
    if (status.ok()) status = Session(worked);
    if (worked) pauses.Connected();
    {
      const absl::MutexLock lock(&mutex_);
      if (stopping_) return;
      state_.known = true;
      state_.weight = 0;
      if (IsFinal(status)) state_.status = status;
    }
    changed_();
    if (IsFinal(status)) return;
    const absl::MutexLock lock(&mutex_);
    mutex_.AwaitWithTimeout(absl::Condition(&stopping), pauses.Next(status));
    if (stopping_) return;
  }
}

absl::Status ReplaySamplerShard::AskRows() {
  ESTUARY_RETURN_IF_ERROR(process::Annotate(call_.Connect(channel_), name_));
  grpc::ClientContext context;
  if (!call_.Begin(&context)) return absl::CancelledError("stopped");
  process::SetDeadline(context, kDescribeTimeout);
  v1::DescribeResponse response;
  const absl::Status status = process::FromGrpc(
      v1::Replay::NewStub(channel_.get())->Describe(&context, v1::DescribeRequest(), &response));
  call_.End();
  if (!status.ok()) return process::Annotate(status, name_);
  const v1::TableStatus* table = FindTable(response, options_.table);
  // A table that is not there is said by the stream.
  const absl::MutexLock lock(&mutex_);
  state_.weight = table != nullptr ? table->weight() : 0;
  state_.consumed = table != nullptr && table->config().max_times_sampled() > 0;
  state_.known = true;
  return absl::OkStatus();
}

absl::Status ReplaySamplerShard::Session(bool& worked) {
  changed_();
  grpc::ClientContext context;
  if (!call_.Begin(&context)) return absl::CancelledError("stopped");
  const std::unique_ptr<Stream> stream = v1::Replay::NewStub(channel_.get())->Sample(&context);
  v1::SampleRequest request;
  v1::SampleHello& hello = *request.mutable_hello();
  hello.set_table(options_.table);
  *hello.mutable_schema() = options_.schema.proto();
  hello.set_batch_size(options_.batch_size);
  // Another stream of numbers for every shard and connection.
  hello.set_seed(options_.seed + static_cast<uint64_t>(index_) * 0x9e3779b97f4a7c15 +
                 connects_++ * 0xd1342543de82ef95);
  {
    const absl::MutexLock lock(&mutex_);
    const auto pooled = static_cast<uint32_t>(state_.pooled / options_.batch_size);
    request.set_credits(options_.credits - std::min(options_.credits, pooled));
    rows_to_grant_ = 0;
  }
  absl::Status status;
  if (stream->Write(request)) {
    {
      const absl::MutexLock lock(&mutex_);
      stream_ = stream.get();
    }
    bool consumed = false;
    {
      const absl::MutexLock lock(&mutex_);
      consumed = state_.consumed;
    }
    v1::SampleResponse response;
    while (status.ok() && stream->Read(&response)) {
      worked = true;
      if (!WellFormed(options_.schema, options_.batch_size, consumed, response)) {
        status = absl::DataLossError("the shard sent a batch that its schema does not allow");
        break;
      }
      {
        const absl::MutexLock lock(&mutex_);
        state_.weight = response.weight();
        state_.pooled += response.block().rows();
        pool_.push_back(std::move(response));
        response.Clear();
        if (!spare_.empty()) {
          response.Swap(&spare_.back());
          spare_.pop_back();
        }
      }
      changed_();
    }
    const absl::MutexLock lock(&mutex_);
    stream_ = nullptr;
  }
  if (!status.ok()) context.TryCancel();
  const absl::Status end = process::FromGrpc(stream->Finish());
  call_.End();
  if (status.ok()) status = end.ok() ? absl::UnavailableError("the stream ended") : end;
  return process::Annotate(status, name_);
}

}  // namespace estuary::client
