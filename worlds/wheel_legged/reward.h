// What the wheel-legged robot's tasks pay, and where they end: pure functions of the next state and
// the command, without MuJoCo, because the robot bridge rewards real transitions with them.
//
// State (standing): pitch [rad], pitch rate [rad/s], x [m], x velocity [m/s]; moving has no x. The
// command u is in N m, the sum of both wheels, u = kTorquePerAction * action.
#pragma once

#include <algorithm>
#include <cmath>

namespace estuary::worlds::wheel_legged {

inline constexpr double kTorquePerAction = 10;
// Beyond it the robot has fallen: both tasks terminate.
inline constexpr double kFallenPitch = 0.35;
// Standing: beyond it the robot has left its area, and the episode is truncated.
inline constexpr double kAreaHalfWidth = 0.5;
// Moving: the speed that is asked for.
inline constexpr double kTargetVelocity = 0.2;

inline constexpr double Square(double value) { return value * value; }

inline double StandReward(double pitch, double pitch_rate, double x, double x_velocity, double u) {
  return std::max(0.0, 30 - 200 * Square(pitch) - Square(pitch_rate) - 100 * Square(x) -
                           10 * Square(x_velocity) - 0.05 * Square(u));
}

inline double MoveReward(double pitch, double pitch_rate, double x_velocity, double u) {
  return std::max(0.0, 15 - 100 * Square(pitch) - 0.5 * Square(pitch_rate) -
                           60 * Square(x_velocity - kTargetVelocity) - 0.03 * Square(u));
}

inline bool Fallen(double pitch) { return std::abs(pitch) > kFallenPitch; }
inline bool LeftArea(double x) { return std::abs(x) > kAreaHalfWidth; }

}  // namespace estuary::worlds::wheel_legged
