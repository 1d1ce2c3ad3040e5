#include "common/client/replay_writer.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/client/replay_shards.h"
#include "common/client/replay_writer_impl.h"
#include "common/process/log.h"
#include "common/process/shutdown.h"

namespace estuary::client {
namespace {

// A wait looks this often whether the process is to end.
constexpr absl::Duration kLook = absl::Milliseconds(100);
constexpr absl::Duration kLongWait = absl::Seconds(5);

std::vector<int> Order(const ReplayWriterOptions& options) {
  if (options.shard) return {*options.shard};
  std::vector<int> order = RankShards(options.shards, options.writer_id);
  if (!options.replaceable) order.resize(1);
  return order;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ReplayWriter>> ReplayWriter::Start(ReplayWriterOptions options) {
  if (options.shards.empty()) return absl::InvalidArgumentError("no replay shard is given");
  if (options.shard &&
      (*options.shard < 0 || *options.shard >= static_cast<int>(options.shards.size()))) {
    return absl::InvalidArgumentError(absl::StrCat(
        "shard ", *options.shard, " of ", options.shards.size(), " shards does not exist"));
  }
  if (options.writer_id.empty()) return absl::InvalidArgumentError("a writer needs a writer_id");
  if (options.buffer_rows == 0) return absl::InvalidArgumentError("buffer_rows is 0");
  return std::unique_ptr<ReplayWriter>(
      new ReplayWriter(std::make_unique<Impl>(std::move(options))));
}

ReplayWriter::ReplayWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ReplayWriter::~ReplayWriter() = default;

absl::StatusOr<uint64_t> ReplayWriter::WaitUntilConnected(absl::Duration timeout) {
  return impl_->WaitUntilConnected(timeout);
}
absl::Status ReplayWriter::Append(transition::BlockBuilder& rows) {
  return impl_->Append(rows, /*wait=*/true).status();
}
absl::Status ReplayWriter::Append(v1::TransitionBlock block) {
  return impl_->Append(std::move(block));
}
absl::StatusOr<bool> ReplayWriter::TryAppend(transition::BlockBuilder& rows) {
  return impl_->Append(rows, /*wait=*/false);
}
absl::Status ReplayWriter::Flush(absl::Duration timeout) { return impl_->Flush(timeout); }
ReplayWriter::Unacknowledged ReplayWriter::TakeUnacknowledged() {
  return impl_->TakeUnacknowledged();
}
ReplayWriter::Stats ReplayWriter::stats() const { return impl_->stats(); }
absl::Status ReplayWriter::status() const { return impl_->status(); }

ReplayWriter::Impl::Impl(ReplayWriterOptions options)
    : options_(std::move(options)),
      order_(Order(options_)),
      buffer_(options_.schema),
      start_(options_.first_sequence.value_or(0)),
      base_(start_) {
  for (const std::string& address : options_.shards) {
    channels_.push_back(std::make_unique<ShardChannel>(address));
  }
  thread_ = std::thread([this] { Run(); });
}

ReplayWriter::Impl::~Impl() { Stop(); }

void ReplayWriter::Impl::Stop() {
  {
    const absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  call_.Stop();
  if (thread_.joinable()) thread_.join();
}

absl::StatusOr<uint64_t> ReplayWriter::Impl::WaitUntilConnected(absl::Duration timeout) {
  // Not absl::Now(): whoever sets the clock back would make this last.
  const auto start = std::chrono::steady_clock::now();
  const absl::MutexLock lock(&mutex_);
  const auto settled = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return connects_ > 0 || !status_.ok();
  };
  while (!settled()) {
    if (process::ShutdownRequested()) {
      return absl::CancelledError(absl::StrCat(Name(), " stopped while connecting"));
    }
    const absl::Duration left =
        timeout - absl::FromChrono(std::chrono::steady_clock::now() - start);
    if (left <= absl::ZeroDuration()) {
      return absl::DeadlineExceededError(absl::StrCat(
          Name(), " could not connect within ", absl::FormatDuration(timeout), " to the replay at ",
          options_.shards[order_[0]], ": ", last_error_.message()));
    }
    mutex_.AwaitWithTimeout(absl::Condition(&settled), std::min(left, kLook));
  }
  if (!status_.ok()) return status_;
  return start_ + (options_.first_sequence ? buffer_.acknowledged() : 0);
}

absl::StatusOr<bool> ReplayWriter::Impl::MakeRoom(uint32_t rows, bool wait) {
  // A block larger than the whole buffer is let in alone.
  const auto fits = [this, rows]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return buffer_.rows() + rows <= options_.buffer_rows || buffer_.rows() == 0 || !status_.ok() ||
           stopping_;
  };
  if (!fits()) {
    if (!wait) return false;
    const absl::Time start = absl::Now();
    absl::Time next_word = start + kLongWait;
    while (!mutex_.AwaitWithTimeout(absl::Condition(&fits), kLook)) {
      if (process::ShutdownRequested()) {
        waited_ += absl::Now() - start;
        return absl::CancelledError(absl::StrCat(Name(), " stopped while waiting for room"));
      }
      if (absl::Now() < next_word) continue;
      spdlog::info("{} waits since {} for {} to take rows ({} buffered)", Name(),
                   absl::FormatDuration(absl::Trunc(absl::Now() - start, absl::Seconds(1))),
                   connected_ ? "the replay's limiter or disk" : "its replay shard",
                   buffer_.rows());
      next_word += absl::Seconds(30);
    }
    waited_ += absl::Now() - start;
  }
  if (!status_.ok()) return status_;
  if (stopping_) return absl::FailedPreconditionError(absl::StrCat(Name(), " was stopped"));
  return true;
}

absl::StatusOr<bool> ReplayWriter::Impl::Append(transition::BlockBuilder& rows, bool wait) {
  const absl::MutexLock lock(&mutex_);
  absl::StatusOr<bool> room = MakeRoom(rows.rows(), wait);
  if (room.ok() && *room) buffer_.Append(rows);
  return room;
}

absl::Status ReplayWriter::Impl::Append(v1::TransitionBlock block) {
  const absl::MutexLock lock(&mutex_);
  const absl::StatusOr<bool> room = MakeRoom(block.rows(), /*wait=*/true);
  if (room.ok()) buffer_.Append(std::move(block));
  return room.status();
}

absl::Status ReplayWriter::Impl::Flush(absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  const absl::MutexLock lock(&mutex_);
  const auto done = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return buffer_.all_acknowledged() || !status_.ok() || stopping_;
  };
  mutex_.AwaitWithDeadline(absl::Condition(&done), deadline);
  if (buffer_.all_acknowledged()) return absl::OkStatus();
  if (!status_.ok()) return status_;
  return absl::DeadlineExceededError(absl::StrCat(
      buffer_.rows(), " rows of ", Name(), " are not acknowledged after ",
      absl::FormatDuration(timeout), connected_ ? "" : absl::StrCat(": ", last_error_.message())));
}

ReplayWriter::Unacknowledged ReplayWriter::Impl::TakeUnacknowledged() {
  Stop();
  const absl::MutexLock lock(&mutex_);
  return {.first_sequence = start_ + buffer_.acknowledged(), .blocks = buffer_.Take()};
}

ReplayWriter::Stats ReplayWriter::Impl::stats() const {
  const absl::MutexLock lock(&mutex_);
  Stats stats;
  stats.next_sequence = start_ + buffer_.appended();
  stats.acknowledged_sequence = start_ + std::min(buffer_.acknowledged(), buffer_.appended());
  stats.buffered_rows = buffer_.rows();
  stats.lost = lost_;
  stats.connects = connects_;
  stats.shard = last_shard_ >= 0 ? last_shard_ : order_[0];
  stats.connected = connected_;
  stats.waited = waited_;
  return stats;
}

absl::Status ReplayWriter::Impl::status() const {
  const absl::MutexLock lock(&mutex_);
  return status_;
}

}  // namespace estuary::client
