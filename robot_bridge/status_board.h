// What the bridge's parts last said of themselves, for whoever asks, in the words of RobotStatus.
// Any thread.
#pragma once

#include <array>
#include <deque>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "estuary/v1/robot.pb.h"
#include "robot_bridge/drivers/driver.h"
#include "robot_bridge/late_ticks.h"
#include "robot_bridge/loop/telemetry.h"
#include "robot_bridge/spool/spool.h"
#include "robot_bridge/tasks.h"

namespace estuary::bridge {

class StatusBoard {
 public:
  // All outlive the board; no spool: null.
  StatusBoard(const std::string& robot, const RobotTask& task, LoopTelemetry* telemetry,
              const Driver* driver, const Spool* spool);

  void Fill(v1::RobotStatus& status);
  LoopStatus Newest();
  // What an operator who steers sees of it.
  v1::OperatorView View(const LoopStatus& loop) const;

  // What an operator said when he stopped it; part of the reason while that holds.
  void SetStopReason(const std::string& reason);
  void AddChange(const StateChange& change);
  void AddLateTick(LateCause cause);
  // Rows that the spool could not take, so far.
  void SetRowsLost(uint64_t rows);
  void CountPolicyRefusal(const std::string& why);
  // Who steers; empty: nobody.
  void SetOperator(const std::string& name);
  void CountStaleAction();
  // How long the learner has been away; 0: it is there, or none is asked.
  void SetLearnerAway(double seconds);

 private:
  const std::string robot_;
  const double period_s_;
  LoopTelemetry& telemetry_;
  const Driver& driver_;
  const Spool* const spool_;
  // Recorded and acknowledged are counted since the start; the spool remembers more.
  const uint64_t spool_start_;

  uint64_t Recorded(const LoopStatus& loop) const;
  uint64_t Acknowledged() const;
  void FillSpool(v1::RobotStatus& status) const;
  void FillTiming(v1::RobotStatus& status);

  absl::Mutex mutex_;
  // The mailbox has one reader at a time: whoever holds the mutex.
  LoopStatus newest_ ABSL_GUARDED_BY(mutex_);
  // When newest_'s policy version was first seen in use; 0: there is none.
  int64_t policy_since_ ABSL_GUARDED_BY(mutex_) = 0;
  double learner_away_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string stop_reason_ ABSL_GUARDED_BY(mutex_);
  std::deque<StateChange> changes_ ABSL_GUARDED_BY(mutex_);
  std::array<uint64_t, kLateCauses> late_ticks_ ABSL_GUARDED_BY(mutex_){};
  uint64_t rows_lost_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t policies_refused_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string policy_refusal_ ABSL_GUARDED_BY(mutex_);
  std::string operator_ ABSL_GUARDED_BY(mutex_);
  uint64_t stale_actions_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace estuary::bridge
