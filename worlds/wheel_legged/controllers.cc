#include "worlds/wheel_legged/controllers.h"

#include <algorithm>

namespace estuary::worlds {
namespace {

constexpr double kPeriod = WheelLeggedRobot::kControlPeriod;
// Events a second.
constexpr double kChangeOfMind = .5;
constexpr double kJerks = 2;
constexpr double kBalancedPitch = kWheelLeggedReal.balanced_pitch;

}  // namespace

WheelLeggedState WheelLeggedOperator::Start(Random& random) {
  strength_ = random.Uniform(.75, 1.15);
  trim_ = kBalancedPitch + .015 * random.Normal();
  sway_ = 0;
  jerk_steps_ = 0;
  x_ = 0;
  speed_ = goal_ == WheelLeggedGoal::kMove ? random.Uniform(.2, .6) : 0;
  WheelLeggedState start;
  start.pitch = kBalancedPitch + random.Uniform(-.06, .06);
  start.pitch_rate = random.Uniform(-.2, .2);
  if (goal_ == WheelLeggedGoal::kMove) {
    start.speed = random.Uniform(0, .2);
  } else {
    start.x = random.Uniform(-.15, .15);
  }
  return start;
}

double WheelLeggedOperator::Act(const WheelLeggedState& state, Random& random) {
  const double torque = Stabilise(state, random) + Unsteadiness(random);
  return std::clamp(torque, -WheelLeggedRobot::kMaxTorque, WheelLeggedRobot::kMaxTorque);
}

double WheelLeggedOperator::Stabilise(const WheelLeggedState& state, Random& random) {
  const bool changes_mind = random.Uniform() < kChangeOfMind * kPeriod;
  double position_torque;
  if (goal_ == WheelLeggedGoal::kMove) {
    if (changes_mind) speed_ = random.Uniform(.2, .6);
    x_ = std::clamp(x_ + kPeriod * speed_, state.x - .4, state.x + .4);
    position_torque = 4 * (state.x - x_);
  } else {
    if (changes_mind) x_ = .12 * random.Normal();
    position_torque = 8 * (state.x - x_);
  }
  return strength_ * (60 * (state.pitch - trim_) + 8 * state.pitch_rate + position_torque +
                      13 * (state.speed - speed_));
}

double WheelLeggedOperator::Unsteadiness(Random& random) {
  // Standard deviation 2.5 N m once it has settled.
  sway_ = .9 * sway_ + .436 * 2.5 * random.Normal();
  if (jerk_steps_ > 0) {
    --jerk_steps_;
  } else if (random.Uniform() < kJerks * kPeriod) {
    jerk_ = 4 * random.Normal();
    jerk_steps_ = 10 + static_cast<int>(random.Uniform() * 25);
  }
  return jerk_steps_ > 0 ? sway_ + jerk_ : sway_;
}

}  // namespace estuary::worlds
