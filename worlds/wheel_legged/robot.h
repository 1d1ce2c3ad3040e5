// The wheel-legged robot as a machine: a state, and what a torque command does in a millisecond.
// The tasks step it five times a control period; whoever plays the robot in real time steps it as
// its clock says, and may change the command in between.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "worlds/mujoco/simulation.h"
#include "worlds/wheel_legged/dynamics.h"

namespace estuary::worlds {

struct WheelLeggedState {
  // rad, positive leans forward; rad/s.
  double pitch = 0;
  double pitch_rate = 0;
  // Of the wheel axle: m, m/s.
  double x = 0;
  double speed = 0;
};

// Not thread-safe.
class WheelLeggedRobot {
 public:
  static constexpr double kSubstep = .001;
  static constexpr int kSubstepsPerPeriod = 5;
  static constexpr double kControlPeriod = kSubstep * kSubstepsPerPeriod;
  // N m, the sum of both wheels: a command is clipped to it, and an action of 1 stands for it.
  static constexpr double kMaxTorque = 10;

  static absl::StatusOr<std::unique_ptr<WheelLeggedRobot>> Make(
      const WheelLeggedDynamics& dynamics);

  // `simulation` is of MakeWheelLeggedModel(dynamics), edited or not.
  WheelLeggedRobot(std::shared_ptr<Simulation> simulation, const WheelLeggedDynamics& dynamics);

  // Puts the robot on the floor, the wheels rolling without slip, the motors without torque.
  void Place(const WheelLeggedState& state);
  // The same from MuJoCo's positions and velocities; the sizes are the model's.
  void PlaceAt(absl::Span<const double> qpos, absl::Span<const double> qvel);

  // One substep under a commanded sum of torques, N m, forward where positive. No allocation.
  void Step(double command);

  WheelLeggedState state() const;
  // Delivered now, the sum of both wheels, N m.
  double motor_torque() const { return motor_torque_; }
  const SimulationState& simulation() const { return simulation_; }

 private:
  SimulationState simulation_;
  const WheelLeggedDynamics dynamics_;
  double motor_torque_ = 0;
};

// What the motor settles at under a constant command.
double SettledMotorTorque(const WheelLeggedDynamics& dynamics, double command);

}  // namespace estuary::worlds
