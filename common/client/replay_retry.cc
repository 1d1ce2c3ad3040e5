#include "common/client/replay_retry.h"

#include <utility>

#include "absl/time/clock.h"
#include "common/process/explain.h"
#include "common/process/log.h"

namespace estuary::client {
namespace {

constexpr absl::Duration kFirstWord = absl::Seconds(5);
constexpr absl::Duration kNextWord = absl::Seconds(30);

}  // namespace

bool IsFinal(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
      return false;
    default:
      return true;
  }
}

RetryPauses::RetryPauses(std::string who, std::string what, uint64_t seed)
    : who_(std::move(who)),
      what_(std::move(what)),
      backoff_(absl::Milliseconds(20), absl::Seconds(1), seed),
      since_(absl::Now()),
      next_word_(since_ + kFirstWord) {}

void RetryPauses::Connected() {
  backoff_.Reset();
  since_ = absl::InfiniteFuture();
}

absl::Duration RetryPauses::Next(const absl::Status& why) {
  const absl::Time now = absl::Now();
  if (since_ == absl::InfiniteFuture()) {
    since_ = now;
    next_word_ = now + kFirstWord;
  }
  if (now >= next_word_) {
    spdlog::warn("{} waits for {} since {}: {}", who_, what_,
                 absl::FormatDuration(absl::Trunc(now - since_, absl::Seconds(1))),
                 std::string(why.message()));
    next_word_ = now + kNextWord;
  }
  return backoff_.Next();
}

absl::Duration RetryPauses::Away() const {
  return since_ == absl::InfiniteFuture() ? absl::ZeroDuration() : absl::Now() - since_;
}

absl::Status RunningCall::Connect(ShardChannel& shard) {
  const std::shared_ptr<grpc::Channel> channel = shard.get();
  for (int look = 0; look < 10; ++look) {
    {
      const absl::MutexLock lock(&mutex_);
      if (stopped_) return absl::CancelledError("stopped");
    }
    if (channel->WaitForConnected(absl::ToChronoTime(absl::Now() + absl::Milliseconds(100)))) {
      return absl::OkStatus();
    }
  }
  const std::string why = process::WhyNoAnswer(shard.address(), process::Role::kReplay,
                                               process::ProcessSecurity(), shard.server_name());
  shard.Renew();
  return absl::UnavailableError(why);
}

bool RunningCall::Begin(grpc::ClientContext* context) {
  const absl::MutexLock lock(&mutex_);
  if (stopped_) return false;
  context_ = context;
  return true;
}

void RunningCall::End() {
  const absl::MutexLock lock(&mutex_);
  context_ = nullptr;
}

void RunningCall::Stop() {
  const absl::MutexLock lock(&mutex_);
  stopped_ = true;
  if (context_ != nullptr) context_->TryCancel();
}

}  // namespace estuary::client
