// Who steers: hands an operator's actions to the loop and shows him what the robot does.
//
// One operator at a time, each spell with a ticket of its own. An action is as old as the newest
// observation that its operator had seen, so that actions that were held up anywhere on the way
// (a full socket, a network that stood still) are old when they arrive, however fast they come; the
// loop falls back where they are too old.
//
// Threads: any may call. While somebody steers, a thread of its own looks every millisecond for a
// new view; the loop is never asked and never waits.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "common/process/metrics.h"
#include "estuary/v1/robot.pb.h"
#include "robot_bridge/loop/loop.h"
#include "robot_bridge/loop/mailbox.h"
#include "robot_bridge/loop/requests.h"
#include "robot_bridge/status_board.h"

namespace estuary::bridge {

class Steering {
 public:
  struct Operator {
    std::string name;
    // Given every new view.
    std::function<void(const v1::OperatorView& view)> show;
    // Told where the bridge ends.
    std::function<void(const absl::Status& why)> end;
  };

  // Everything outlives this.
  struct Parts {
    std::string robot;
    const LoopConfig* loop = nullptr;
    Mailbox<OperatorInput>* input = nullptr;
    StatusBoard* board = nullptr;
    process::Metrics* metrics = nullptr;
  };

  explicit Steering(const Parts& parts);
  ~Steering();

  // A ticket for an operator, whose functions are then called from the looking thread or from Stop,
  // never after Leave has returned. ALREADY_EXISTS names who steers; UNAVAILABLE after Stop.
  absl::StatusOr<uint64_t> Claim(Operator who);

  // What he wants now. INVALID_ARGUMENT names what is wrong with it; an action that is too old is
  // counted and dropped.
  absl::Status Act(uint64_t ticket, const v1::OperatorAction& action);

  // He steers no more: the robot falls back with its next tick.
  void Leave(uint64_t ticket);

  // Idempotent.
  void Stop();

 private:
  void Look();
  void Note(const LoopStatus& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // When the observation of this number came; 0 where it is not known any more.
  int64_t SeenAt(uint64_t sequence) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status CheckAction(const v1::OperatorAction& action) const;
  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stopping_ || ticket_ != 0; }

  const Parts parts_;
  const LoopConfig loop_;
  prometheus::Counter& actions_;
  prometheus::Counter& stale_;
  prometheus::Gauge& connected_;

  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  // 0: nobody steers.
  uint64_t ticket_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t last_ticket_ ABSL_GUARDED_BY(mutex_) = 0;
  Operator operator_ ABSL_GUARDED_BY(mutex_);
  // (sequence, arrival) of observations, by sequence; and the newest one's link.
  std::array<std::pair<uint64_t, int64_t>, 256> seen_ ABSL_GUARDED_BY(mutex_){};
  uint64_t link_ ABSL_GUARDED_BY(mutex_) = 0;

  std::thread thread_;
};

}  // namespace estuary::bridge
