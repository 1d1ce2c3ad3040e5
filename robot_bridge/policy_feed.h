// Policy versions on their way into the loop: subscribes to the learner, checks each version, and
// offers it. A version that does not fit is refused, counted, logged and shown, and the loop goes
// on with what it has.
//
// While the motors are on, the run of the first version stays: a version of another run (an older
// one that was started again at the learner's address, or a newer one) is not what was let drive,
// so it is refused, kept, and taken once the motors are off. Within a run an update is newer
// because it came later: a learner that resumes goes on with lower numbers.
//
// A thread of its own, at normal priority.
#pragma once

#include <memory>
#include <string>

#include "common/process/metrics.h"
#include "robot_bridge/loop/policy_slot.h"
#include "robot_bridge/status_board.h"
#include "robot_bridge/tasks.h"

namespace estuary::bridge {

class PolicyFeed {
 public:
  // All pointers outlive the feed. An empty learner: the feed only frees what the loop hands back.
  PolicyFeed(const RobotTask& task, const std::string& robot, const std::string& learner,
             PolicySlot* slot, StatusBoard* board, process::Metrics* metrics);
  ~PolicyFeed();

  // Idempotent.
  void Stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace estuary::bridge
