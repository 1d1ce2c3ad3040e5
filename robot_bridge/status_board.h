// What the loop last said of itself, for whoever asks, in the words of RobotStatus. Any thread.
#pragma once

#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "estuary/v1/robot.pb.h"
#include "robot_bridge/drivers/driver.h"
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

  // What an operator said when he stopped it; part of the reason while that holds.
  void SetStopReason(const std::string& reason);

 private:
  const std::string robot_;
  const double period_s_;
  LoopTelemetry& telemetry_;
  const Driver& driver_;
  const Spool* const spool_;
  // Recorded and acknowledged are counted since the start; the spool remembers more.
  const uint64_t spool_start_;

  absl::Mutex mutex_;
  // The mailbox has one reader at a time: whoever holds the mutex.
  LoopStatus newest_ ABSL_GUARDED_BY(mutex_);
  std::string stop_reason_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace estuary::bridge
