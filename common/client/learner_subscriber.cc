#include "common/client/learner_subscriber.h"

#include <chrono>
#include <deque>
#include <string>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "common/process/backoff.h"
#include "common/process/channel.h"
#include "common/process/explain.h"
#include "common/process/log.h"
#include "common/process/status.h"
#include "estuary/v1/learner.grpc.pb.h"

namespace estuary::client {
namespace {

// Evaluations held here; the learner keeps the others.
constexpr size_t kHeldEvaluations = 2;
constexpr absl::Duration kWord = absl::Seconds(5);
constexpr absl::Duration kLongestRefusal = absl::Seconds(30);

// Trying again would end the same way.
bool IsRefusal(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kUnimplemented:
      return true;
    default:
      return false;
  }
}

}  // namespace

struct LearnerSubscriber::Impl {
  const Options options;
  // The thread's own.
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::Learner::Stub> stub;

  mutable absl::Mutex mutex;
  bool stopped ABSL_GUARDED_BY(mutex) = false;
  bool finished ABSL_GUARDED_BY(mutex) = false;
  bool connected ABSL_GUARDED_BY(mutex) = false;
  bool ever_connected ABSL_GUARDED_BY(mutex) = false;
  absl::Time away_since ABSL_GUARDED_BY(mutex) = absl::Now();
  uint64_t reconnections ABSL_GUARDED_BY(mutex) = 0;
  absl::Status status ABSL_GUARDED_BY(mutex);
  std::deque<Update> updates ABSL_GUARDED_BY(mutex);
  // Of the stream that stands; null between streams.
  grpc::ClientContext* context ABSL_GUARDED_BY(mutex) = nullptr;

  std::thread thread;

  explicit Impl(const Options& o) : options(o) { Connect(); }

  void Connect() {
    channel = process::MakeChannel(options.address, process::Role::kLearner);
    stub = v1::Learner::NewStub(channel);
  }

  // The learner sends its headers when it takes the subscription, which may be long before it has
  // a version to give.
  void Connected() {
    absl::MutexLock lock(&mutex);
    connected = true;
    if (ever_connected) {
      ++reconnections;
      spdlog::info("{}: the learner at {} is back", options.subscriber, options.address);
    }
    ever_connected = true;
  }

  // Takes an update in; false where the stream is no longer wanted.
  bool Accept(v1::PolicyUpdate update) {
    absl::MutexLock lock(&mutex);
    if (options.evaluations) {
      auto room = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
        return stopped || updates.size() < kHeldEvaluations;
      };
      mutex.Await(absl::Condition(&room));
    } else {
      updates.clear();
    }
    if (stopped) return false;
    finished = update.final();
    updates.push_back(std::make_shared<const v1::PolicyUpdate>(std::move(update)));
    return !finished;
  }

  // One stream, from its opening to its end.
  absl::Status ReadStream() {
    grpc::ClientContext stream_context;
    {
      absl::MutexLock lock(&mutex);
      if (stopped) return absl::CancelledError("stopped");
      context = &stream_context;
    }
    v1::SubscribeRequest request;
    request.set_subscriber(options.subscriber);
    request.set_evaluations(options.evaluations);
    const auto reader = stub->Subscribe(&stream_context, request);
    reader->WaitForInitialMetadata();
    if (stream_context.GetServerInitialMetadata().count(kRunHeader) > 0) Connected();
    v1::PolicyUpdate update;
    while (reader->Read(&update)) {
      if (!Accept(std::move(update))) {
        stream_context.TryCancel();
        break;
      }
      update.Clear();
    }
    const absl::Status ended = process::FromGrpc(reader->Finish());
    absl::MutexLock lock(&mutex);
    context = nullptr;
    if (connected) {
      connected = false;
      away_since = absl::Now();
    }
    return ended;
  }

  // Returns the moment the connection stands: a delay of ours on top of gRPC's own would only add
  // to it.
  void AwaitConnection() {
    absl::Time next_word = absl::Now() + kWord;
    while (!channel->WaitForConnected(std::chrono::system_clock::now() +
                                      std::chrono::milliseconds(100))) {
      absl::MutexLock lock(&mutex);
      if (stopped) return;
      const absl::Time now = absl::Now();
      if (now < next_word) continue;
      spdlog::info("{} waits for the learner at {} since {}: {}", options.subscriber,
                   options.address,
                   absl::FormatDuration(absl::Trunc(now - away_since, absl::Seconds(1))),
                   process::WhyNoAnswer(options.address, process::Role::kLearner));
      next_word = now + kWord;
    }
  }

  void Run() {
    process::Backoff backoff;
    process::Backoff refusals(kWord, kLongestRefusal);
    absl::Time next_word = absl::Now() + kWord;
    while (true) {
      AwaitConnection();
      const absl::Time opened = absl::Now();
      const absl::Status ended = ReadStream();
      absl::MutexLock lock(&mutex);
      if (stopped || finished) return;
      if (options.outlives_refusal && absl::IsPermissionDenied(ended)) {
        spdlog::error("the learner at {} refuses the subscription of {}, which asks again: {}",
                      options.address, options.subscriber, std::string(ended.message()));
        mutex.AwaitWithTimeout(absl::Condition(&stopped), refusals.Next());
        if (stopped) return;
        // A connection keeps the certificate that it began with.
        Connect();
        continue;
      }
      if (IsRefusal(ended)) {
        status = process::Annotate(
            ended, absl::StrCat("the learner at ", options.address, " refuses the subscription of ",
                                options.subscriber));
        spdlog::error("{}", std::string(status.message()));
        return;
      }
      const absl::Time now = absl::Now();
      if (now - opened > kWord) backoff.Reset();
      if (now - away_since >= kWord && now >= next_word) {
        spdlog::info("{} waits for policy versions of the learner at {} since {}: {}",
                     options.subscriber, options.address,
                     absl::FormatDuration(absl::Trunc(now - away_since, absl::Seconds(1))),
                     std::string(ended.message()));
        next_word = now + kWord;
      }
      mutex.AwaitWithTimeout(absl::Condition(&stopped), backoff.Next());
      if (stopped) return;
    }
  }
};

LearnerSubscriber::LearnerSubscriber(const Options& options)
    : impl_(std::make_unique<Impl>(options)) {
  impl_->thread = std::thread([impl = impl_.get()] { impl->Run(); });
}

LearnerSubscriber::~LearnerSubscriber() {
  Stop();
  impl_->thread.join();
}

LearnerSubscriber::Update LearnerSubscriber::Next(absl::Duration timeout) {
  absl::MutexLock lock(&impl_->mutex);
  auto ready = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(impl_->mutex) {
    return impl_->stopped || !impl_->status.ok() || !impl_->updates.empty();
  };
  impl_->mutex.AwaitWithTimeout(absl::Condition(&ready), timeout);
  if (impl_->stopped || impl_->updates.empty()) return nullptr;
  Update update = std::move(impl_->updates.front());
  impl_->updates.pop_front();
  return update;
}

bool LearnerSubscriber::finished() const {
  absl::MutexLock lock(&impl_->mutex);
  return impl_->finished;
}

absl::Duration LearnerSubscriber::away() const {
  absl::MutexLock lock(&impl_->mutex);
  if (impl_->connected || impl_->finished) return absl::ZeroDuration();
  return absl::Now() - impl_->away_since;
}

uint64_t LearnerSubscriber::reconnections() const {
  absl::MutexLock lock(&impl_->mutex);
  return impl_->reconnections;
}

absl::Status LearnerSubscriber::status() const {
  absl::MutexLock lock(&impl_->mutex);
  return impl_->status;
}

void LearnerSubscriber::Stop() {
  absl::MutexLock lock(&impl_->mutex);
  impl_->stopped = true;
  if (impl_->context != nullptr) impl_->context->TryCancel();
}

}  // namespace estuary::client
