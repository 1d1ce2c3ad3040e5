// Policy versions on their way into the loop: subscribes to the learner, checks each version, and
// offers it. A version that does not fit is refused, counted and logged, and the loop goes on with
// what it has. A thread of its own, at normal priority.
#pragma once

#include <memory>
#include <string>

#include "common/process/metrics.h"
#include "robot_bridge/loop/policy_slot.h"
#include "robot_bridge/tasks.h"

namespace estuary::bridge {

class PolicyFeed {
 public:
  // `slot` and `metrics` outlive the feed. An empty learner: the feed only frees what the loop
  // hands back.
  PolicyFeed(const RobotTask& task, const std::string& robot, const std::string& learner,
             PolicySlot* slot, process::Metrics* metrics);
  ~PolicyFeed();

  // Idempotent.
  void Stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace estuary::bridge
