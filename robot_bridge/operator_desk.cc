#include "robot_bridge/operator_desk.h"

#include <deque>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "robot_bridge/loop/clock.h"

namespace estuary::bridge {
namespace {

constexpr size_t kMaxWaiting = 64;
constexpr int64_t kPatience = 2 * kSecond;

absl::Status ToStatus(Event event, const Reply& reply) {
  const auto refuse = [&](const char* why) {
    return absl::FailedPreconditionError(
        absl::StrCat("refused to ", Code(event), " in state ", Name(reply.state), ": ", why));
  };
  switch (reply.answer) {
    case Answer::kDone:
    case Answer::kAlready:
      return absl::OkStatus();
    case Answer::kNotFromHere:
      return refuse(reply.state == State::kEstop
                        ? "an emergency stop is left by arming anew, when the robot is safe"
                        : "the robot is not armed; arm it first");
    case Answer::kNoRobot:
      return refuse("no observation comes from the robot; is it connected?");
    case Answer::kObservationUnusable:
      return refuse("the robot's observation is not finite or not of the task's size");
    case Answer::kOutsideEnvelope:
      return refuse("the robot is outside its envelope; put it upright");
    case Answer::kNoPolicy:
      return refuse("there is no usable policy; give --policy_file or --learner, see the log");
    case Answer::kNoOperator:
      return refuse("nobody steers: no operator's command is fresh");
  }
  return absl::InternalError("unknown answer");
}

}  // namespace

class OperatorDesk::Impl {
 public:
  Impl(OperatorPort* port, Wakeup* loop) : port_(port), loop_(loop) {
    thread_ = std::thread([this] { Serve(); });
  }
  ~Impl() { Stop(); }

  void Ask(Event event, std::function<void(const absl::Status&)> done) {
    absl::Status refused;
    {
      absl::MutexLock lock(&mutex_);
      if (stopping_) {
        refused = absl::UnavailableError("the bridge is shutting down");
      } else if (event == Event::kEmergencyStop) {
        waiting_.push_front({event, std::move(done)});
        urgent_ = true;
        return;
      } else if (waiting_.size() >= kMaxWaiting) {
        refused = absl::ResourceExhaustedError(
            absl::StrCat(kMaxWaiting, " requests wait for the robot already"));
      } else {
        waiting_.push_back({event, std::move(done)});
        return;
      }
    }
    done(refused);
  }

  void Stop() {
    {
      absl::MutexLock lock(&mutex_);
      if (std::exchange(stopping_, true)) return;
    }
    thread_.join();
  }

 private:
  struct Asked {
    Event event;
    std::function<void(const absl::Status&)> done;
  };

  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || !waiting_.empty();
  }

  void Serve() {
    for (;;) {
      Asked asked;
      {
        absl::MutexLock lock(&mutex_);
        mutex_.Await(absl::Condition(this, &Impl::HasWork));
        if (stopping_) break;
        asked = std::move(waiting_.front());
        waiting_.pop_front();
        urgent_ = false;
      }
      asked.done(Exchange(asked.event));
    }
    std::deque<Asked> left;
    {
      absl::MutexLock lock(&mutex_);
      left.swap(waiting_);
    }
    for (const Asked& asked : left)
      asked.done(absl::UnavailableError("the bridge is shutting down"));
  }

  absl::Status Exchange(Event event) {
    const uint64_t id = ++last_id_;
    if (!port_->requests.Push({id, event})) {
      return absl::DeadlineExceededError("the control loop takes no requests");
    }
    if (event == Event::kEmergencyStop) loop_->Signal();
    const int64_t deadline = Now() + kPatience;
    Reply reply;
    do {
      while (port_->replies.Pop(reply)) {
        if (reply.id == id) return ToStatus(event, reply);
      }
      // The loop owes nobody a wake-up, so look every millisecond, by a clock that nobody sets; an
      // emergency stop that comes meanwhile does not wait for a loop that does not answer others.
      SleepUntil(Now() + kMillisecond);
      absl::MutexLock lock(&mutex_);
      if (stopping_ || (urgent_ && event != Event::kEmergencyStop)) break;
    } while (Now() < deadline);
    return absl::DeadlineExceededError(
        absl::StrCat("the control loop did not answer '", Code(event), "'"));
  }

  OperatorPort* const port_;
  Wakeup* const loop_;
  uint64_t last_id_ = 0;

  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  // An emergency stop is at the head of the queue.
  bool urgent_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<Asked> waiting_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

OperatorDesk::OperatorDesk(OperatorPort* port, Wakeup* loop)
    : impl_(std::make_unique<Impl>(port, loop)) {}
OperatorDesk::~OperatorDesk() = default;

void OperatorDesk::Ask(Event event, std::function<void(const absl::Status&)> done) {
  impl_->Ask(event, std::move(done));
}
void OperatorDesk::Stop() { impl_->Stop(); }

}  // namespace estuary::bridge
