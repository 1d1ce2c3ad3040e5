#include "worlds/wheel_legged/robot.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace estuary::worlds {
namespace {

// Degrees of freedom in the model's order.
enum Dof { kX, kZ, kPitch, kLeftWheel, kRightWheel };

constexpr double kWheelRadius = .10;

}  // namespace

double SettledMotorTorque(const WheelLeggedDynamics& dynamics, double command) {
  const double clipped =
      std::clamp(command, -WheelLeggedRobot::kMaxTorque, WheelLeggedRobot::kMaxTorque);
  if (std::abs(clipped) <= dynamics.motor_dead_zone) return 0;
  return dynamics.motor_gain * (clipped - std::copysign(dynamics.motor_dead_zone, clipped));
}

absl::StatusOr<std::unique_ptr<WheelLeggedRobot>> WheelLeggedRobot::Make(
    const WheelLeggedDynamics& dynamics) {
  absl::StatusOr<ModelPtr> model = MakeWheelLeggedModel(dynamics);
  if (!model.ok()) return model.status();
  return std::make_unique<WheelLeggedRobot>(std::make_shared<Simulation>(*std::move(model)),
                                            dynamics);
}

WheelLeggedRobot::WheelLeggedRobot(std::shared_ptr<Simulation> simulation,
                                   const WheelLeggedDynamics& dynamics)
    : simulation_(std::move(simulation)), dynamics_(dynamics) {}

void WheelLeggedRobot::Place(const WheelLeggedState& state) {
  mjData& data = simulation_.Reset();
  data.qpos[kX] = state.x;
  data.qpos[kPitch] = state.pitch;
  data.qvel[kX] = state.speed;
  data.qvel[kPitch] = state.pitch_rate;
  // A wheel's joint turns against the base, which turns itself.
  const double wheel_rate = state.speed / kWheelRadius - state.pitch_rate;
  data.qvel[kLeftWheel] = wheel_rate;
  data.qvel[kRightWheel] = wheel_rate;
  motor_torque_ = 0;
}

void WheelLeggedRobot::PlaceAt(absl::Span<const double> qpos, absl::Span<const double> qvel) {
  mjData& data = simulation_.Reset();
  std::copy(qpos.begin(), qpos.end(), data.qpos);
  std::copy(qvel.begin(), qvel.end(), data.qvel);
  motor_torque_ = 0;
}

void WheelLeggedRobot::Step(double command) {
  const double settled = SettledMotorTorque(dynamics_, command);
  const double part = dynamics_.motor_lag > kSubstep ? kSubstep / dynamics_.motor_lag : 1;
  motor_torque_ += (settled - motor_torque_) * part;
  mjData& data = simulation_.data();
  data.ctrl[0] = motor_torque_ / 2;
  data.ctrl[1] = motor_torque_ / 2;
  mj_step(&simulation_.model(), &data);
}

WheelLeggedState WheelLeggedRobot::state() const {
  const mjData& data = simulation_.data();
  return {.pitch = data.qpos[kPitch],
          .pitch_rate = data.qvel[kPitch],
          .x = data.qpos[kX],
          .speed = data.qvel[kX]};
}

}  // namespace estuary::worlds
