// The machine that the emulator is: the wheel-legged robot with its real dynamics, as one of its
// tasks sees it.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "robot_bridge/drivers/identity.h"
#include "robot_bridge/loop/types.h"
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

// What the sensors add to the truth. The robot that the recorded data came from has none of it.
struct SensorErrors {
  // Times the standard deviations of a good sensor: .002 rad, .02 rad/s, .001 m, .01 m/s.
  double noise = 0;
  // Of the measured pitch, rad.
  double imu_bias = 0;
};

class Plant {
 public:
  // NOT_FOUND names the tasks that have a robot.
  static absl::StatusOr<std::unique_ptr<Plant>> Make(const std::string& task,
                                                     const SensorErrors& errors = {});

  // What the robot says of itself in its hello; the name is the caller's.
  RobotIdentity identity() const { return identity_; }

  // Puts it into a start pose.
  void Place(Release release, worlds::Random& random);
  // One substep under an action.
  void Step(float action);

  int Observe(ObservationArray& observation, worlds::Random& random) const;
  // Knocks it over: no controller can hold it.
  void Push();
  double Reward(float action) const;
  bool Fallen() const;
  bool LeftArea() const;
  double x() const { return robot_->state().x; }

 private:
  Plant(bool standing, const SensorErrors& errors, std::unique_ptr<worlds::WheelLeggedRobot> robot);

  const bool standing_;
  const SensorErrors errors_;
  const std::unique_ptr<worlds::WheelLeggedRobot> robot_;
  RobotIdentity identity_;
};

}  // namespace estuary::bridge
