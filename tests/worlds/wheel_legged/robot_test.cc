#include "worlds/wheel_legged/robot.h"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "worlds/wheel_legged/controllers.h"

namespace estuary::worlds {
namespace {

std::unique_ptr<WheelLeggedRobot> MakeRobot(const WheelLeggedDynamics& dynamics) {
  auto robot = WheelLeggedRobot::Make(dynamics);
  EXPECT_TRUE(robot.ok()) << robot.status();
  return *std::move(robot);
}

// Of the base (trunk and legs), relative to the axle; inertia about y at the centre of mass.
struct Base {
  double mass, x, z, inertia_y;
};

Base BaseOf(const WheelLeggedDynamics& dynamics) {
  const auto model = MakeWheelLeggedModel(dynamics);
  EXPECT_TRUE(model.ok()) << model.status();
  const int base = mj_name2id(model->get(), mjOBJ_BODY, "base");
  const mjModel& m = **model;
  // Principal axes back into the body's.
  mjtNum rotation[9];
  mju_quat2Mat(rotation, m.body_iquat + 4 * base);
  double inertia_y = 0;
  for (int k = 0; k < 3; ++k) {
    inertia_y += rotation[3 + k] * rotation[3 + k] * m.body_inertia[3 * base + k];
  }
  return {m.body_mass[base], m.body_ipos[3 * base], m.body_ipos[3 * base + 2], inertia_y};
}

double TotalMass(const WheelLeggedDynamics& dynamics) {
  const auto model = MakeWheelLeggedModel(dynamics);
  return mj_getTotalmass(model->get());
}

TEST(WheelLeggedRobot, HasTheSimulatorsMasses) {
  const Base base = BaseOf(kWheelLeggedSim);
  EXPECT_NEAR(base.x, 0, 1e-12);
  EXPECT_NEAR(base.z, .303, 5e-4);
  EXPECT_NEAR(base.inertia_y, .143, 5e-4);
  EXPECT_NEAR(TotalMass(kWheelLeggedSim), 11.6, 1e-9);
}

TEST(WheelLeggedRobot, HasTheRealMasses) {
  const Base base = BaseOf(kWheelLeggedReal);
  EXPECT_NEAR(base.x, .0347, 5e-5);
  EXPECT_NEAR(base.z, .324, 5e-4);
  EXPECT_NEAR(base.inertia_y, .181, 6e-4);
  EXPECT_NEAR(TotalMass(kWheelLeggedReal), 13.1, 1e-9);
  EXPECT_NEAR(-std::atan2(base.x, base.z), -.1066, 5e-5);
  EXPECT_NEAR(kWheelLeggedReal.balanced_pitch, -.1066, 5e-4);
}

Eigen::Vector4d StateAfterPeriod(WheelLeggedRobot& robot, const Eigen::Vector4d& state,
                                 double torque, double settle_z) {
  robot.Place({.pitch = state[0], .pitch_rate = state[1], .x = state[2], .speed = state[3]});
  // Tyres carry the weight only once they are pressed into the floor.
  mjData& data = robot.simulation().data();
  data.qpos[1] = settle_z;
  for (int i = 0; i < WheelLeggedRobot::kSubstepsPerPeriod; ++i) robot.Step(torque);
  const WheelLeggedState next = robot.state();
  return {next.pitch, next.pitch_rate, next.x, next.speed};
}

struct Linearised {
  // Continuous, 1/s; sorted by real part.
  Eigen::Vector4d poles;
  // Of a control period, per N m.
  Eigen::Vector4d input;
};

// Central differences of one control period about balance.
Linearised Linearise(const WheelLeggedDynamics& dynamics) {
  const auto robot = MakeRobot(dynamics);
  const Base base = BaseOf(dynamics);
  Eigen::Vector4d balance = Eigen::Vector4d::Zero();
  balance[0] = -std::atan2(base.x, base.z);
  // Depth at rest, found by holding the robot there for a while.
  robot->Place({.pitch = balance[0]});
  for (int i = 0; i < 500; ++i) {
    robot->Step(0);
    mjData& data = robot->simulation().data();
    data.qpos[0] = 0, data.qpos[2] = balance[0];
    data.qvel[0] = data.qvel[2] = data.qvel[3] = data.qvel[4] = 0;
  }
  const double z = robot->simulation().data().qpos[1];
  const double h = 1e-4;
  Eigen::Matrix4d a;
  for (int i = 0; i < 4; ++i) {
    const Eigen::Vector4d step = h * Eigen::Vector4d::Unit(i);
    a.col(i) = (StateAfterPeriod(*robot, balance + step, 0, z) -
                StateAfterPeriod(*robot, balance - step, 0, z)) /
               (2 * h);
  }
  Linearised linearised;
  linearised.input =
      (StateAfterPeriod(*robot, balance, h, z) - StateAfterPeriod(*robot, balance, -h, z)) /
      (2 * h);
  const Eigen::EigenSolver<Eigen::Matrix4d> solver(a);
  for (int i = 0; i < 4; ++i) {
    linearised.poles[i] =
        std::log(std::abs(solver.eigenvalues()[i])) / WheelLeggedRobot::kControlPeriod;
  }
  std::sort(linearised.poles.begin(), linearised.poles.end());
  return linearised;
}

TEST(WheelLeggedRobot, HasTheSimulatorsPoles) {
  const Linearised sim = Linearise(kWheelLeggedSim);
  EXPECT_NEAR(sim.poles[0], -9.1, .06);
  EXPECT_NEAR(sim.poles[1], -.04, .006);
  EXPECT_NEAR(sim.poles[2], 0, 1e-6);
  EXPECT_NEAR(sim.poles[3], 8.9, .06);
  EXPECT_NEAR(sim.input[1], -.0453, 1e-4);
  EXPECT_NEAR(sim.input[3], .0145, 1e-4);
}

TEST(WheelLeggedRobot, HasTheRealPolesWithoutFrictionLossAndMotor) {
  WheelLeggedDynamics dynamics = kWheelLeggedReal;
  dynamics.wheel_frictionloss = 0;
  dynamics.motor_dead_zone = 0;
  dynamics.motor_gain = 1;
  dynamics.motor_lag = 0;
  const Linearised real = Linearise(dynamics);
  EXPECT_NEAR(real.poles[0], -8.9, .06);
  EXPECT_NEAR(real.poles[1], -.15, .006);
  EXPECT_NEAR(real.poles[3], 8.4, .06);
  EXPECT_NEAR(real.input[1], -.0351, 1e-4);
  EXPECT_NEAR(real.input[3], .0121, 1e-4);
}

TEST(WheelLeggedRobot, TurnsForwardAndPitchesBackwardUnderPositiveTorque) {
  const auto robot = MakeRobot(kWheelLeggedSim);
  robot->Place({});
  for (int i = 0; i < 20; ++i) robot->Step(5);
  EXPECT_GT(robot->state().speed, .1);
  EXPECT_GT(robot->state().x, 0);
  EXPECT_LT(robot->state().pitch, 0);
}

TEST(WheelLeggedRobot, FallsForwardWhenItLeansForward) {
  const auto robot = MakeRobot(kWheelLeggedSim);
  robot->Place({.pitch = .05});
  for (int i = 0; i < 200; ++i) robot->Step(0);
  EXPECT_GT(robot->state().pitch, .1);
}

TEST(WheelLeggedRobot, PassesCommandsThroughDeadZoneGainAndLag) {
  const auto robot = MakeRobot(kWheelLeggedReal);
  robot->Place({.pitch = -.107});
  robot->Step(.8);
  EXPECT_EQ(robot->motor_torque(), 0);
  // (4 - .8) * .7 with a fifth of the way in every substep; a command may change in between.
  robot->Step(4);
  EXPECT_NEAR(robot->motor_torque(), 2.24 * .2, 1e-12);
  robot->Step(4);
  EXPECT_NEAR(robot->motor_torque(), 2.24 * .36, 1e-12);
  const double before = robot->motor_torque();
  robot->Step(-25);
  EXPECT_NEAR(robot->motor_torque(), before + (-9.2 * .7 - before) * .2, 1e-12);
}

TEST(WheelLeggedRobot, DeliversTheCommandAtOnceInTheSimulator) {
  const auto robot = MakeRobot(kWheelLeggedSim);
  robot->Place({});
  robot->Step(.3);
  EXPECT_EQ(robot->motor_torque(), .3);
  robot->Step(12);
  EXPECT_EQ(robot->motor_torque(), 10);
}

TEST(WheelLeggedRobot, RollsWithoutSlipWhenPlaced) {
  const auto robot = MakeRobot(kWheelLeggedSim);
  robot->Place({.pitch_rate = 1, .speed = .5});
  // The wheel's own rate is its joint's plus the base's.
  EXPECT_NEAR(robot->simulation().data().qvel[3] + 1, 5, 1e-12);
}

TEST(WheelLeggedFallback, HoldsTheRealRobotForHalfAMinute) {
  const auto robot = MakeRobot(kWheelLeggedReal);
  robot->Place({.pitch = -.107 + .05, .pitch_rate = -.1, .x = .05});
  double max_abs_x = 0;
  for (int period = 0; period < 6000; ++period) {
    const double torque = kWheelLeggedStandFallback.Torque(robot->state());
    for (int i = 0; i < WheelLeggedRobot::kSubstepsPerPeriod; ++i) robot->Step(torque);
    max_abs_x = std::max(max_abs_x, std::abs(robot->state().x));
    ASSERT_LT(std::abs(robot->state().pitch), .35);
  }
  EXPECT_LT(max_abs_x, .12);
}

}  // namespace
}  // namespace estuary::worlds
