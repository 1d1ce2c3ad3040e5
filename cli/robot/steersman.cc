#include "cli/robot/steersman.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/process/backoff.h"
#include "common/process/channel.h"
#include "common/process/log.h"
#include "common/process/status.h"
#include "estuary/v1/robot.grpc.pb.h"

namespace estuary::cli {
namespace {

using Clock = std::chrono::steady_clock;

// Trying again would end the same way.
bool IsRefusal(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kUnimplemented:
      return true;
    default:
      return false;
  }
}

}  // namespace

class Steersman::Impl {
 public:
  Impl(const std::string& bridge, const std::string& name, Answer answer)
      : bridge_(bridge), name_(name), answer_(std::move(answer)) {
    thread_ = std::thread([this] { Work(); });
  }
  ~Impl() { Stop(); }

  absl::Status status() const {
    const std::lock_guard lock(mutex_);
    return status_;
  }
  bool connected() const { return connected_; }

  void Stop() {
    {
      const std::lock_guard lock(mutex_);
      if (std::exchange(stopping_, true)) return;
      if (context_ != nullptr) context_->TryCancel();
    }
    changed_.notify_all();
    thread_.join();
  }

 private:
  void Work() {
    const auto stub =
        v1::RobotOperator::NewStub(process::MakeChannel(bridge_, process::Role::kBridge));
    process::Backoff backoff;
    auto next_word = Clock::now() + std::chrono::seconds(5);
    for (;;) {
      bool answered = false;
      const absl::Status ended = HoldCall(*stub, answered);
      if (answered) backoff.Reset();
      std::unique_lock lock(mutex_);
      if (stopping_) return;
      if (IsRefusal(ended)) {
        status_ = process::Annotate(ended, absl::StrCat("the bridge at ", bridge_));
        return;
      }
      if (Clock::now() >= next_word) {
        spdlog::info("waiting for the bridge at {}: {}", bridge_, std::string(ended.message()));
        next_word = Clock::now() + std::chrono::seconds(5);
      }
      changed_.wait_for(lock, absl::ToChronoNanoseconds(backoff.Next()),
                        [this] { return stopping_; });
      if (stopping_) return;
    }
  }

  absl::Status HoldCall(v1::RobotOperator::StubInterface& stub, bool& answered) {
    grpc::ClientContext context;
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return absl::CancelledError("stopped");
      context_ = &context;
    }
    const auto stream = stub.Steer(&context);
    v1::OperatorAction hello;
    hello.set_operator_(name_);
    v1::OperatorView view;
    if (stream->Write(hello)) {
      while (stream->Read(&view)) {
        answered = true;
        connected_ = true;
        const std::optional<v1::OperatorAction> action = answer_(view);
        if (action.has_value() && !stream->Write(*action)) break;
      }
    }
    connected_ = false;
    const absl::Status ended = process::FromGrpc(stream->Finish());
    const std::lock_guard lock(mutex_);
    context_ = nullptr;
    return ended;
  }

  const std::string bridge_;
  const std::string name_;
  const Answer answer_;
  std::atomic<bool> connected_{false};

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  grpc::ClientContext* context_ = nullptr;
  absl::Status status_;
  std::thread thread_;
};

Steersman::Steersman(const std::string& bridge, const std::string& name, Answer answer)
    : impl_(std::make_unique<Impl>(bridge, name, std::move(answer))) {}
Steersman::~Steersman() = default;
absl::Status Steersman::status() const { return impl_->status(); }
bool Steersman::connected() const { return impl_->connected(); }
void Steersman::Stop() { impl_->Stop(); }

}  // namespace estuary::cli
