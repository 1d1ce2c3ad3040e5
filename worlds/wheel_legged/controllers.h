// Who drives the robot besides a policy: the operator whose habits are in the recorded data, and
// the fallback that holds the robot when nothing else may.
#pragma once

#include "worlds/random.h"
#include "worlds/wheel_legged/robot.h"

namespace estuary::worlds {

enum class WheelLeggedGoal { kStand, kMove };

// m/s, where the goal is to move.
inline constexpr double kWheelLeggedTargetSpeed = .2;

// u = pitch (θ − balanced_pitch) + pitch_rate θ̇ + x x + speed (ẋ − target_speed), in N m; u /
// kMaxTorque is the action. As data, so that whoever has no simulator can have them as well.
struct WheelLeggedGains {
  double pitch;
  double pitch_rate;
  double x;
  double speed;
  double balanced_pitch;
  double target_speed;

  constexpr double Torque(const WheelLeggedState& state) const {
    return pitch * (state.pitch - balanced_pitch) + pitch_rate * state.pitch_rate + x * state.x +
           speed * (state.speed - target_speed);
  }
};

// Calibrated on the real robot.
inline constexpr WheelLeggedGains kWheelLeggedStandFallback = {.pitch = 70,
                                                               .pitch_rate = 12,
                                                               .x = 25,
                                                               .speed = 22,
                                                               .balanced_pitch = -.107,
                                                               .target_speed = 0};
inline constexpr WheelLeggedGains kWheelLeggedMoveFallback = {
    .pitch = 70,
    .pitch_rate = 12,
    .x = 0,
    .speed = 22,
    .balanced_pitch = -.107,
    .target_speed = kWheelLeggedTargetSpeed};

// A person with a joystick on top of a calibrated stabiliser, of a slightly different hand in every
// episode, unsteady, and now and then with a jerk. Not thread-safe.
class WheelLeggedOperator {
 public:
  explicit WheelLeggedOperator(WheelLeggedGoal goal) : goal_(goal) {}

  // Begins an episode; returns where the operator lets go of the robot.
  WheelLeggedState Start(Random& random);
  // The torque of one control period, N m, within kMaxTorque.
  double Act(const WheelLeggedState& state, Random& random);

 private:
  double Stabilise(const WheelLeggedState& state, Random& random);
  double Unsteadiness(Random& random);

  const WheelLeggedGoal goal_;
  double strength_ = 1;
  double trim_ = 0;
  // Where to be, and how fast to go.
  double x_ = 0;
  double speed_ = 0;
  // Of the hand: an Ornstein-Uhlenbeck process and a jerk that lasts.
  double sway_ = 0;
  double jerk_ = 0;
  int jerk_steps_ = 0;
};

}  // namespace estuary::worlds
