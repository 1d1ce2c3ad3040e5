// The two robots: the one the simulator believes in and the one that stands on the floor.
#pragma once

#include "absl/status/statusor.h"
#include "worlds/mujoco/model.h"
#include "worlds/world.h"

namespace estuary::worlds {

struct WheelLeggedDynamics {
  // kg; the centre above the wheel axle, m.
  double trunk_mass;
  double trunk_x;
  double trunk_z;
  // Of each wheel's joint: kg m2, N m s, N m.
  double wheel_armature;
  double wheel_damping;
  double wheel_frictionloss;
  // Sliding, of floor and tyres.
  double friction;
  // From commanded to delivered torque, both on the sum of the wheels: the dead zone (N m) comes
  // off first, then the gain; the lag is a first-order one (s).
  double motor_dead_zone;
  double motor_gain;
  double motor_lag;
  // The pitch at which the centre of mass is above the axle.
  double balanced_pitch;
};

// The gap: battery and wiring missing in the drawings, and the battery sits forward; a weak torque
// constant, stiction and a slow current loop; gearboxes; a slippery floor.
inline constexpr WheelLeggedDynamics kWheelLeggedSim = {
    .trunk_mass = 8.0,
    .trunk_x = .0125,
    .trunk_z = .34,
    .wheel_armature = .002,
    .wheel_damping = .002,
    .wheel_frictionloss = 0,
    .friction = .9,
    .motor_dead_zone = 0,
    .motor_gain = 1,
    .motor_lag = 0,
    .balanced_pitch = 0,
};
inline constexpr WheelLeggedDynamics kWheelLeggedReal = {
    .trunk_mass = 9.5,
    .trunk_x = .0525,
    .trunk_z = .36,
    .wheel_armature = .004,
    .wheel_damping = .01,
    .wheel_frictionloss = .05,
    .friction = .5,
    .motor_dead_zone = .8,
    .motor_gain = .7,
    .motor_lag = .005,
    .balanced_pitch = -.107,
};

inline constexpr const WheelLeggedDynamics& WheelLeggedDynamicsOf(Dynamics dynamics) {
  return dynamics == Dynamics::kSim ? kWheelLeggedSim : kWheelLeggedReal;
}

absl::StatusOr<ModelPtr> MakeWheelLeggedModel(const WheelLeggedDynamics& dynamics);

}  // namespace estuary::worlds
