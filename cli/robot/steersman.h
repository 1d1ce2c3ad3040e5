// Keeps one Steer call to a bridge open and answers what it shows, at the robot's own pace: a
// thread that waits for a view, asks for an action, and sends it. A call that breaks is opened
// again.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "estuary/v1/robot.pb.h"

namespace estuary::cli {

class Steersman {
 public:
  // Called on the steersman's thread for every view; nothing: no action is sent for this one.
  using Answer = std::function<std::optional<v1::OperatorAction>(const v1::OperatorView& view)>;

  Steersman(const std::string& bridge, const std::string& name, Answer answer);
  // Stops.
  ~Steersman();

  // Not OK where the bridge refuses: somebody else steers, or the actions are none. Trying again
  // would not help.
  absl::Status status() const;
  // A call stands.
  bool connected() const;

  // Idempotent.
  void Stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace estuary::cli
