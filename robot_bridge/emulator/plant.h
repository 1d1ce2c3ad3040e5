// The machine that the emulator is: the wheel-legged robot with its real dynamics, as one of its
// tasks sees it.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "robot_bridge/drivers/grpc/grpc_driver.h"
#include "worlds/random.h"
#include "worlds/wheel_legged/robot.h"

namespace estuary::bridge {

// Where a person lets go of the robot.
enum class Release {
  // The task's evaluation protocol: near its balance, at rest.
  kEvaluation,
  // As the recorded data's episodes began.
  kOperator,
};

class Plant {
 public:
  // NOT_FOUND names the tasks that have a robot.
  static absl::StatusOr<std::unique_ptr<Plant>> Make(const std::string& task);

  // What the robot says of itself in its hello; the name is the caller's.
  RobotIdentity identity() const { return identity_; }

  // Puts it into a start pose.
  void Place(Release release, worlds::Random& random);
  // One substep under an action.
  void Step(float action);

  int Observe(ObservationArray& observation) const;
  double Reward(float action) const;
  bool Fallen() const;
  bool LeftArea() const;
  double x() const { return robot_->state().x; }

 private:
  Plant(bool standing, std::unique_ptr<worlds::WheelLeggedRobot> robot);

  const bool standing_;
  const std::unique_ptr<worlds::WheelLeggedRobot> robot_;
  RobotIdentity identity_;
};

}  // namespace estuary::bridge
