// Where operators' wishes queue up for the loop: one at a time, each with the loop's answer, so
// that however many ask and however fast, the loop sees at most one a period. An emergency stop
// goes before all others and wakes the loop at once.
//
// Threads: any may ask; one thread of its own talks to the loop.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "robot_bridge/loop/requests.h"
#include "robot_bridge/loop/wakeup.h"

namespace estuary::bridge {

class OperatorDesk {
 public:
  // Both outlive the desk.
  OperatorDesk(OperatorPort* port, Wakeup* loop);
  ~OperatorDesk();

  // Calls `done` once, from the desk's thread or this one. FAILED_PRECONDITION says why the loop
  // refused and what to do; RESOURCE_EXHAUSTED: too many wait; DEADLINE_EXCEEDED: the loop does not
  // answer.
  void Ask(Event event, std::function<void(const absl::Status&)> done);

  // Whoever still waits gets UNAVAILABLE. Idempotent.
  void Stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace estuary::bridge
