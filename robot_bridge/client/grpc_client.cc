#include "robot_bridge/client/grpc_client.h"

#include <atomic>
#include <chrono>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/process/backoff.h"
#include "common/process/channel.h"
#include "common/process/log.h"
#include "common/process/status.h"
#include "estuary/v1/robot.grpc.pb.h"
#include "robot_bridge/drivers/grpc/messages.h"
#include "robot_bridge/loop/clock.h"
#include "robot_bridge/loop/spsc_ring.h"
#include "robot_bridge/loop/wakeup.h"

namespace estuary::bridge {

class GrpcClient::Impl {
 public:
  explicit Impl(const Options& options) : options_(options), outgoing_(64), incoming_(256) {
    link_thread_ = std::thread([this] { LinkLoop(); });
    sender_thread_ = std::thread([this] { SendLoop(); });
  }
  ~Impl() { Stop(); }

  void SendObservation(const Observation& observation) {
    outgoing_.Push(observation);
    outgoing_wakeup_.Signal();
  }

  bool NextCommand(ReceivedCommand& command) { return incoming_.Pop(command); }

  bool connected() const { return connected_.load(); }

  std::string refused() const {
    absl::MutexLock lock(&mutex_);
    return refused_;
  }

  void Stop() {
    {
      absl::MutexLock lock(&mutex_);
      if (std::exchange(stopping_, true)) return;
      if (context_ != nullptr) context_->TryCancel();
    }
    outgoing_wakeup_.Signal();
    link_thread_.join();
    sender_thread_.join();
  }

 private:
  using Stream = grpc::ClientReaderWriterInterface<v1::RobotMessage, v1::BridgeMessage>;

  bool Stopping() const {
    absl::MutexLock lock(&mutex_);
    return stopping_;
  }

  void LinkLoop() {
    RealtimeGrants grants;
    MakeThisThreadRealtime(options_.realtime, grants);
    const auto channel = process::MakeChannel(options_.bridge, process::Role::kBridge);
    const auto stub = v1::RobotLink::NewStub(channel);
    process::Backoff backoff;
    int64_t next_word = Now() + 5 * kSecond;
    while (!Stopping()) {
      bool answered = false;
      if (channel->WaitForConnected(std::chrono::system_clock::now() +
                                    std::chrono::milliseconds(100))) {
        const absl::Status ended = HoldLink(*stub, answered);
        if (ended.code() == absl::StatusCode::kFailedPrecondition ||
            ended.code() == absl::StatusCode::kInvalidArgument) {
          absl::MutexLock lock(&mutex_);
          refused_ = absl::StrCat("the bridge at ", options_.bridge,
                                  " refuses this robot: ", std::string(ended.message()));
          return;
        }
        if (answered) {
          if (!Stopping()) {
            spdlog::warn("the bridge at {} is gone: {}", options_.bridge,
                         std::string(ended.message()));
          }
          backoff.Reset();
          next_word = Now() + 5 * kSecond;
        }
      }
      if (Now() >= next_word) {
        spdlog::info("waiting for the bridge at {}", options_.bridge);
        next_word += 5 * kSecond;
      }
      absl::MutexLock lock(&mutex_);
      mutex_.AwaitWithTimeout(absl::Condition(&stopping_), backoff.Next());
    }
  }

  // One connection from hello to end.
  absl::Status HoldLink(v1::RobotLink::StubInterface& stub, bool& answered) {
    grpc::ClientContext context;
    {
      absl::MutexLock lock(&mutex_);
      if (stopping_) return absl::CancelledError("stopped");
      context_ = &context;
    }
    const std::unique_ptr<Stream> stream = stub.Connect(&context);
    v1::RobotMessage hello;
    hello.mutable_hello()->set_robot(options_.identity.robot);
    hello.mutable_hello()->set_task(options_.identity.task);
    hello.mutable_hello()->set_observation_dim(options_.identity.observation_dim);
    hello.mutable_hello()->set_action_dim(options_.identity.action_dim);
    hello.mutable_hello()->set_control_period_us(options_.identity.control_period_us);
    v1::BridgeMessage message;
    if (stream->Write(hello) && stream->Read(&message) && message.has_welcome()) {
      answered = true;
      spdlog::info("connected to bridge '{}' at {}", message.welcome().bridge(), options_.bridge);
      SetStream(stream.get());
      ReceivedCommand received;
      while (stream->Read(&message)) {
        received.arrival_ns = Now();
        if (!message.has_command()) continue;
        FromProto(message.command(), received.command);
        incoming_.Push(received);
      }
      SetStream(nullptr);
    }
    // The sender may not be in a Write when the stream ends.
    const absl::Status status = process::FromGrpc(stream->Finish());
    absl::MutexLock lock(&mutex_);
    context_ = nullptr;
    return status;
  }

  void SetStream(Stream* stream) {
    absl::MutexLock lock(&stream_mutex_);
    stream_ = stream;
    connected_ = stream != nullptr;
  }

  void SendLoop() {
    RealtimeGrants grants;
    MakeThisThreadRealtime(options_.realtime, grants);
    Observation observation;
    v1::RobotMessage message;
    while (!Stopping()) {
      outgoing_wakeup_.Wait(Now() + kSecond);
      while (outgoing_.Pop(observation)) {
        ToProto(observation, *message.mutable_observation());
        absl::MutexLock lock(&stream_mutex_);
        if (stream_ != nullptr) stream_->Write(message);
      }
    }
  }

  const Options options_;
  SpscRing<Observation> outgoing_;
  SpscRing<ReceivedCommand> incoming_;
  Wakeup outgoing_wakeup_;
  std::atomic<bool> connected_{false};

  // Held during a write, so that the stream outlives it. A read that ends also ends a write that
  // waits for the bridge, so the link thread gets it.
  absl::Mutex stream_mutex_;
  Stream* stream_ ABSL_GUARDED_BY(stream_mutex_) = nullptr;

  mutable absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  grpc::ClientContext* context_ ABSL_GUARDED_BY(mutex_) = nullptr;
  std::string refused_ ABSL_GUARDED_BY(mutex_);

  std::thread link_thread_;
  std::thread sender_thread_;
};

GrpcClient::GrpcClient(const Options& options) : impl_(std::make_unique<Impl>(options)) {}
GrpcClient::~GrpcClient() = default;

void GrpcClient::SendObservation(const Observation& observation) {
  impl_->SendObservation(observation);
}
bool GrpcClient::NextCommand(ReceivedCommand& command) { return impl_->NextCommand(command); }
bool GrpcClient::connected() const { return impl_->connected(); }
std::string GrpcClient::refused() const { return impl_->refused(); }
void GrpcClient::Stop() { impl_->Stop(); }

}  // namespace estuary::bridge
