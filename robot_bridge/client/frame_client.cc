#include "robot_bridge/client/frame_client.h"

#include <atomic>
#include <mutex>
#include <random>
#include <thread>
#include <utility>

#include "robot_bridge/drivers/frame/convert.h"
#include "robot_bridge/drivers/frame/estuary_robot.h"
#include "robot_bridge/drivers/frame/reader.h"
#include "robot_bridge/loop/clock.h"
#include "robot_bridge/loop/spsc_ring.h"

namespace estuary::bridge {
namespace {

constexpr int64_t kLook = 50 * kMillisecond;

uint64_t DrawRandom() {
  std::random_device device;
  return (uint64_t{device()} << 32 | device()) ^ static_cast<uint64_t>(Now());
}

}  // namespace

class FrameClient::Impl {
 public:
  Impl(const Options& options, std::unique_ptr<Wire> wire)
      : options_(options), wire_(std::move(wire)), reader_(wire_->stream()), incoming_(256) {
    estuary_robot_init(&robot_, options_.identity.robot.c_str(), options_.identity.task.c_str(),
                       static_cast<uint8_t>(options_.identity.observation_dim),
                       static_cast<uint8_t>(options_.identity.action_dim),
                       options_.identity.control_period_us, DrawRandom());
    thread_ = std::thread([this] { LinkLoop(); });
  }
  ~Impl() { Stop(); }

  void SendObservation(const Observation& observation) {
    const uint32_t link = link_.load();
    if (link == 0) return;
    estuary_frame frame;
    ToFrame(observation, frame);
    frame.link = link;
    uint8_t bytes[ESTUARY_FRAME_MOST];
    wire_->Send(bytes, estuary_frame_encode(&frame, bytes), Peer());
  }

  bool NextCommand(ReceivedCommand& command) { return incoming_.Pop(command); }
  bool connected() const { return link_.load() != 0; }
  uint64_t corrupt() const { return reader_.corrupt(); }

  std::string refused() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return refused_;
  }

  void Stop() {
    if (stopping_.exchange(true)) return;
    wire_->Interrupt();
    thread_.join();
  }

 private:
  void LinkLoop() {
    RealtimeGrants grants;
    MakeThisThreadRealtime(options_.realtime, grants);
    uint8_t bytes[ESTUARY_FRAME_MOST + 1];
    estuary_frame hello;
    Peer from;
    while (!stopping_) {
      if (estuary_robot_hello_due(&robot_, static_cast<uint64_t>(Now()), &hello)) {
        Follow();
        wire_->Send(bytes, estuary_frame_encode(&hello, bytes), Peer());
      }
      const size_t size = wire_->Receive(Now() + kLook, bytes, sizeof(bytes), from);
      const int64_t now = Now();
      if (size == 0) continue;
      reader_.Put(bytes, size, [this, now](const estuary_frame& frame) { Take(frame, now); });
      Follow();
    }
  }

  void Take(const estuary_frame& frame, int64_t now) {
    if (!estuary_robot_take(&robot_, &frame, static_cast<uint64_t>(now))) {
      if (frame.kind == ESTUARY_REFUSAL && robot_.state == ESTUARY_CALLING &&
          frame.link == robot_.link) {
        Say("the bridge puts this robot off: " + Printable(robot_.words));
      }
      return;
    }
    ReceivedCommand received;
    FromFrame(frame, received.command);
    received.arrival_ns = now;
    incoming_.Push(received);
  }

  // Tells the control thread and the log what has become of the link.
  void Follow() {
    const bool connected = estuary_robot_connected(&robot_);
    const uint32_t link = connected ? robot_.link : 0;
    if (link == link_.load() && robot_.state == seen_state_) return;
    const bool was = link_.exchange(link) != 0;
    seen_state_ = robot_.state;
    if (robot_.state == ESTUARY_REFUSED) {
      std::lock_guard<std::mutex> lock(mutex_);
      refused_ = "the bridge refuses this robot: " + Printable(robot_.words);
    } else if (connected) {
      said_ = "";
      Say("connected to bridge '" + Printable(robot_.words) + "'");
    } else if (was) {
      Say("the bridge is silent; calling it");
    }
  }

  void Say(const std::string& what) {
    if (!options_.word || what == said_) return;
    said_ = what;
    options_.word(what);
  }

  const Options options_;
  const std::unique_ptr<Wire> wire_;
  std::atomic<bool> stopping_{false};
  // 0: not connected.
  std::atomic<uint32_t> link_{0};

  // The link thread's.
  FrameReader reader_;
  estuary_robot robot_;
  uint8_t seen_state_ = ESTUARY_CALLING;
  std::string said_;

  SpscRing<ReceivedCommand> incoming_;
  mutable std::mutex mutex_;
  std::string refused_;
  std::thread thread_;
};

FrameClient::FrameClient(const Options& options, std::unique_ptr<Wire> wire)
    : impl_(std::make_unique<Impl>(options, std::move(wire))) {}
FrameClient::~FrameClient() = default;
void FrameClient::SendObservation(const Observation& observation) {
  impl_->SendObservation(observation);
}
bool FrameClient::NextCommand(ReceivedCommand& command) { return impl_->NextCommand(command); }
bool FrameClient::connected() const { return impl_->connected(); }
std::string FrameClient::refused() const { return impl_->refused(); }
void FrameClient::Stop() { impl_->Stop(); }
uint64_t FrameClient::corrupt() const { return impl_->corrupt(); }

}  // namespace estuary::bridge
