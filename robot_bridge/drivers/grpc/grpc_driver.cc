#include "robot_bridge/drivers/grpc/grpc_driver.h"

#include <atomic>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "common/process/log.h"
#include "estuary/v1/robot.grpc.pb.h"
#include "robot_bridge/drivers/grpc/messages.h"
#include "robot_bridge/loop/clock.h"
#include "robot_bridge/loop/mailbox.h"
#include "robot_bridge/loop/spsc_ring.h"

namespace estuary::bridge {
namespace {

// Over a second of observations: the loop takes them within one period.
constexpr size_t kInboxCapacity = 256;

}  // namespace

class GrpcDriver::Impl final : public v1::RobotLink::CallbackService {
 public:
  Impl(const RobotIdentity& expected, Wakeup* wakeup, const RealtimeOptions& sender)
      : expected_(expected), wakeup_(wakeup), inbox_(kInboxCapacity) {
    sender_ = std::thread([this, sender] { SendLoop(sender); });
  }

  ~Impl() override { Stop(); }

  grpc::ServerBidiReactor<v1::RobotMessage, v1::BridgeMessage>* Connect(
      grpc::CallbackServerContext* context) override {
    // Deletes itself when gRPC is done with it.
    return new Link(this, context->peer());
  }

  bool Receive(Observation& observation) { return inbox_.Pop(observation); }

  void Send(const Command& command) {
    outbox_.Put(command);
    outbox_wakeup_.Signal();
  }

  LinkStatus link() const {
    absl::MutexLock lock(&mutex_);
    LinkStatus status;
    status.connected = current_ != nullptr;
    status.links = links_;
    status.overflowed = overflowed_;
    status.refused = refused_;
    return status;
  }

  void Stop() {
    stopping_ = true;
    outbox_wakeup_.Signal();
    if (sender_.joinable()) sender_.join();
    absl::MutexLock lock(&mutex_);
    if (current_ != nullptr) {
      current_->End(grpc::Status(grpc::StatusCode::UNAVAILABLE, "the bridge is shutting down"));
      current_ = nullptr;
    }
  }

 private:
  // One connection. Every call on it is made under the driver's mutex_, which also orders its life:
  // it is removed from current_ before it is deleted.
  class Link final : public grpc::ServerBidiReactor<v1::RobotMessage, v1::BridgeMessage> {
   public:
    Link(Impl* driver, std::string peer) : driver_(driver), peer_(std::move(peer)) {
      StartRead(&incoming_);
    }

    void OnReadDone(bool ok) override { driver_->OnRead(*this, ok); }
    void OnWriteDone(bool ok) override { driver_->OnWritten(*this, ok); }
    void OnCancel() override {
      absl::MutexLock lock(&driver_->mutex_);
      End(grpc::Status::CANCELLED);
    }
    void OnDone() override {
      driver_->OnGone(*this);
      delete this;
    }

    void End(const grpc::Status& status) {
      if (std::exchange(ended_, true)) return;
      Finish(status);
    }
    void Write(v1::BridgeMessage message) {
      if (ended_) return;
      if (writing_) {
        waiting_ = std::move(message);
        has_waiting_ = true;
        return;
      }
      outgoing_ = std::move(message);
      writing_ = true;
      StartWrite(&outgoing_);
    }

   private:
    friend class Impl;

    Impl* const driver_;
    const std::string peer_;
    // 0 before its hello was accepted.
    uint64_t number_ = 0;
    bool ended_ = false;
    v1::RobotMessage incoming_;
    v1::BridgeMessage outgoing_;
    bool writing_ = false;
    v1::BridgeMessage waiting_;
    bool has_waiting_ = false;
  };

  void OnRead(Link& link, bool ok) {
    const int64_t now = Now();
    bool arrived = false;
    {
      absl::MutexLock lock(&mutex_);
      if (!ok) {
        link.End(grpc::Status::OK);
        return;
      }
      const v1::RobotMessage& message = link.incoming_;
      if (link.number_ == 0) {
        if (!Welcome(link)) return;
      } else if (message.has_observation()) {
        arrived = Deliver(link, message.observation(), now);
      } else {
        link.End(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT,
                              "a robot sends one hello, then observations"));
      }
      if (!link.ended_) link.StartRead(&link.incoming_);
    }
    if (arrived) wakeup_->Signal();
  }

  bool Welcome(Link& link) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    grpc::Status status(grpc::StatusCode::INVALID_ARGUMENT,
                        "the first message of a robot must be its hello");
    if (link.incoming_.has_hello()) {
      const std::string mismatch = Mismatch(expected_, IdentityOf(link.incoming_.hello()));
      status = mismatch.empty() ? grpc::Status::OK
                                : grpc::Status(grpc::StatusCode::FAILED_PRECONDITION, mismatch);
    }
    if (status.ok() && stopping_) {
      status = grpc::Status(grpc::StatusCode::UNAVAILABLE, "the bridge is shutting down");
    }
    if (!status.ok()) {
      ++refused_;
      spdlog::warn("refused a robot at {}: {}", link.peer_, status.error_message());
      link.End(status);
      return false;
    }
    if (current_ != nullptr) {
      spdlog::warn("robot '{}' connected anew from {}; its old connection is closed",
                   expected_.robot, link.peer_);
      current_->End(grpc::Status(grpc::StatusCode::ABORTED,
                                 "the same robot has connected anew from elsewhere"));
    } else {
      spdlog::info("robot '{}' connected", expected_.robot);
    }
    current_ = &link;
    link.number_ = ++links_;
    v1::BridgeMessage welcome;
    welcome.mutable_welcome()->set_bridge(absl::StrCat(expected_.robot, "/bridge"));
    link.Write(std::move(welcome));
    return true;
  }

  bool Deliver(const Link& link, const v1::RobotObservation& message, int64_t now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (&link != current_) return false;
    FromProto(message, received_);
    received_.link = link.number_;
    received_.received_ns = now;
    if (inbox_.Push(received_)) return true;
    ++overflowed_;
    return false;
  }

  void OnWritten(Link& link, bool ok) {
    absl::MutexLock lock(&mutex_);
    link.writing_ = false;
    if (!ok || !std::exchange(link.has_waiting_, false)) return;
    link.Write(std::move(link.waiting_));
  }

  void OnGone(Link& link) {
    absl::MutexLock lock(&mutex_);
    if (current_ != &link) return;
    current_ = nullptr;
    spdlog::warn("robot '{}' disconnected", expected_.robot);
  }

  void SendLoop(const RealtimeOptions& options) {
    RealtimeGrants grants;
    MakeThisThreadRealtime(options, grants);
    Command command;
    v1::BridgeMessage message;
    while (!stopping_) {
      outbox_wakeup_.Wait(Now() + kSecond);
      if (!outbox_.Take(command)) continue;
      ToProto(command, *message.mutable_command());
      absl::MutexLock lock(&mutex_);
      if (current_ != nullptr && current_->number_ == command.link) current_->Write(message);
    }
  }

  const RobotIdentity expected_;
  Wakeup* const wakeup_;
  // Pushed under mutex_ (whichever of gRPC's threads), popped by the loop.
  SpscRing<Observation> inbox_;
  Mailbox<Command> outbox_;
  Wakeup outbox_wakeup_;
  std::atomic<bool> stopping_{false};

  mutable absl::Mutex mutex_;
  Link* current_ ABSL_GUARDED_BY(mutex_) = nullptr;
  Observation received_ ABSL_GUARDED_BY(mutex_);
  uint64_t links_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t overflowed_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t refused_ ABSL_GUARDED_BY(mutex_) = 0;
  std::thread sender_;
};

GrpcDriver::GrpcDriver(const RobotIdentity& expected, Wakeup* wakeup, const RealtimeOptions& sender)
    : impl_(std::make_unique<Impl>(expected, wakeup, sender)) {}
GrpcDriver::~GrpcDriver() = default;

grpc::Service* GrpcDriver::service() { return impl_.get(); }
bool GrpcDriver::Receive(Observation& observation) { return impl_->Receive(observation); }
void GrpcDriver::Send(const Command& command) { impl_->Send(command); }
Driver::LinkStatus GrpcDriver::link() const { return impl_->link(); }
void GrpcDriver::Stop() { impl_->Stop(); }

}  // namespace estuary::bridge
