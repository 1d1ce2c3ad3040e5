#include "robot_bridge/drivers/frame/frame_driver.h"

#include <atomic>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/process/log.h"
#include "robot_bridge/drivers/frame/convert.h"
#include "robot_bridge/drivers/frame/reader.h"
#include "robot_bridge/drivers/frame/session.h"
#include "robot_bridge/loop/clock.h"
#include "robot_bridge/loop/mailbox.h"
#include "robot_bridge/loop/spsc_ring.h"

namespace estuary::bridge {
namespace {

// Over a second of observations: the loop takes them within one period.
constexpr size_t kInboxCapacity = 256;
constexpr int64_t kLook = 100 * kMillisecond;
constexpr int64_t kSameWordEvery = 5 * kSecond;

}  // namespace

class FrameDriver::Impl {
 public:
  Impl(const FrameDriverOptions& options, std::unique_ptr<Wire> wire, Wakeup* wakeup)
      : options_(options),
        wire_(std::move(wire)),
        wakeup_(wakeup),
        inbox_(kInboxCapacity),
        reader_(wire_->stream()),
        session_(options.expected) {
    receiver_ = std::thread([this] { ReceiveLoop(); });
    sender_ = std::thread([this] { SendLoop(); });
  }
  ~Impl() { Stop(); }

  const FrameDriverOptions& options() const { return options_; }
  bool Receive(Observation& observation) { return inbox_.Pop(observation); }
  void Send(const Command& command) {
    outbox_.Put(command);
    outbox_wakeup_.Signal();
  }

  LinkStatus link() const {
    absl::MutexLock lock(&mutex_);
    LinkStatus status = status_;
    status.corrupt = reader_.corrupt();
    return status;
  }

  void Stop() {
    if (stopping_.exchange(true)) return;
    wire_->Interrupt();
    outbox_wakeup_.Signal();
    receiver_.join();
    sender_.join();
  }

 private:
  // Where commands of a link go.
  struct Target {
    uint64_t link = 0;
    uint32_t number = 0;
    Peer peer;
  };

  void ReceiveLoop() {
    RealtimeGrants grants;
    MakeThisThreadRealtime(options_.realtime, grants);
    uint8_t bytes[ESTUARY_FRAME_MOST + 1];
    Peer from;
    while (!stopping_) {
      const size_t size = wire_->Receive(Now() + kLook, bytes, sizeof(bytes), from);
      const int64_t now = Now();
      bool arrived = false;
      if (size > 0) {
        reader_.Put(bytes, size, [&](const estuary_frame& frame) {
          arrived = Take(frame, from, now) || arrived;
        });
      }
      if (arrived) wakeup_->Signal();
      Publish(now);
    }
  }

  // True where an observation went to the loop.
  bool Take(const estuary_frame& frame, const Peer& from, int64_t now) {
    const uint64_t links = session_.links();
    switch (session_.Take(frame, from, now)) {
      case FrameSession::Verdict::kNothing:
        return false;
      case FrameSession::Verdict::kObservation:
        if (inbox_.Push(session_.observation())) return true;
        ++overflowed_;
        return false;
      case FrameSession::Verdict::kWelcome:
        if (session_.links() != links) {
          Publish(now);
          spdlog::info("robot '{}' connected from {}", options_.expected.robot,
                       wire_->Describe(from));
        }
        break;
      case FrameSession::Verdict::kRefusal:
        if (now - last_refusal_ns_ >= kSameWordEvery || last_refusal_ns_ == 0) {
          last_refusal_ns_ = now;
          spdlog::warn("refused a robot at {}: {}", wire_->Describe(from), session_.refusal());
        }
        break;
    }
    uint8_t reply[ESTUARY_FRAME_MOST];
    wire_->Send(reply, estuary_frame_encode(&session_.reply(), reply), from);
    return false;
  }

  void Publish(int64_t now) {
    const bool connected = session_.connected(now);
    {
      absl::MutexLock lock(&mutex_);
      const FrameSession::Counts& counts = session_.counts();
      status_.connected = connected;
      status_.links = counts.links;
      status_.overflowed = overflowed_;
      status_.refused = counts.refused;
      status_.duplicate = counts.duplicate;
      status_.out_of_order = counts.out_of_order;
      status_.foreign = counts.foreign;
      target_ = {counts.links, session_.link_number(), session_.peer()};
    }
    if (was_connected_ && !connected) {
      spdlog::warn("robot '{}' is silent", options_.expected.robot);
    }
    was_connected_ = connected;
  }

  void SendLoop() {
    RealtimeGrants grants;
    MakeThisThreadRealtime(options_.realtime, grants);
    Command command;
    estuary_frame frame;
    uint8_t bytes[ESTUARY_FRAME_MOST];
    uint64_t number = 0;
    while (!stopping_) {
      outbox_wakeup_.Wait(Now() + kSecond);
      if (!outbox_.Take(command)) continue;
      Target target;
      {
        absl::MutexLock lock(&mutex_);
        target = target_;
      }
      if (command.link != target.link) continue;
      ToFrame(command, ++number, frame);
      frame.link = target.number;
      frame.time_ns = static_cast<uint64_t>(Now());
      wire_->Send(bytes, estuary_frame_encode(&frame, bytes), target.peer);
    }
  }

  const FrameDriverOptions options_;
  const std::unique_ptr<Wire> wire_;
  Wakeup* const wakeup_;
  SpscRing<Observation> inbox_;
  Mailbox<Command> outbox_;
  Wakeup outbox_wakeup_;
  std::atomic<bool> stopping_{false};

  // The receiver's.
  FrameReader reader_;
  FrameSession session_;
  uint64_t overflowed_ = 0;
  bool was_connected_ = false;
  int64_t last_refusal_ns_ = 0;

  mutable absl::Mutex mutex_;
  LinkStatus status_ ABSL_GUARDED_BY(mutex_);
  Target target_ ABSL_GUARDED_BY(mutex_);
  std::thread receiver_;
  std::thread sender_;
};

FrameDriver::FrameDriver(const FrameDriverOptions& options, std::unique_ptr<Wire> wire,
                         Wakeup* wakeup)
    : impl_(std::make_unique<Impl>(options, std::move(wire), wakeup)) {}
FrameDriver::~FrameDriver() = default;
const char* FrameDriver::kind() const { return impl_->options().kind; }
std::string FrameDriver::address() const { return impl_->options().address; }
bool FrameDriver::Receive(Observation& observation) { return impl_->Receive(observation); }
void FrameDriver::Send(const Command& command) { impl_->Send(command); }
Driver::LinkStatus FrameDriver::link() const { return impl_->link(); }
void FrameDriver::Stop() { impl_->Stop(); }

}  // namespace estuary::bridge
