#include "robot_bridge/tasks.h"

#include "absl/strings/str_cat.h"
#include "worlds/wheel_legged/reward.h"

namespace estuary::bridge {
namespace {

namespace robot = worlds::wheel_legged;

// The pitch at which the real robot balances; measured, as are the gains (N m per rad, rad/s, m,
// m/s).
constexpr float kBalancedPitch = -0.107f;
constexpr float kPitchGain = 70;
constexpr float kPitchRateGain = 12;
constexpr float kPositionGain = 25;
constexpr float kSpeedGain = 22;

constexpr uint32_t kControlPeriodUs = 5000;

// Tilt about upright, as the tasks see a fall; off a little beyond it, so that the fall is
// recorded.
constexpr EnvelopeAxis kTilt = {
    .index = 0, .center = 0, .soft = .29f, .fallback = .33f, .off = .4f};

RobotTask WheelLegged(const std::string& name, int observation_dim) {
  RobotTask task;
  task.name = name;
  task.control_period_us = kControlPeriodUs;
  LoopConfig& loop = task.loop;
  loop.period_ns = kControlPeriodUs * kMicrosecond;
  loop.late_ns = loop.period_ns / 5;
  loop.task.observation_dim = observation_dim;
  loop.task.action_dim = 1;
  loop.task.terminal = [](const float* observation) { return robot::Fallen(observation[0]); };
  Feedback& feedback = loop.feedback;
  feedback.observation_dim = observation_dim;
  feedback.action_dim = 1;
  feedback.scale = robot::kTorquePerAction;
  feedback.target[0] = kBalancedPitch;
  feedback.gain[0][0] = kPitchGain;
  feedback.gain[0][1] = kPitchRateGain;
  const int speed = observation_dim - 1;
  task.figures = {.tilt = 0, .speed = speed};
  feedback.gain[0][speed] = kSpeedGain;
  loop.limits.axes[0] = kTilt;
  loop.limits.axes[1] = {.index = 1, .center = 0, .soft = 6, .fallback = 8, .off = 12};
  loop.limits.axes[2] = {.index = speed, .center = 0, .soft = 1.5f, .fallback = 2, .off = 3};
  loop.limits.axis_count = 3;
  return task;
}

RobotTask Stand() {
  RobotTask task = WheelLegged("wheel_legged_stand", 4);
  task.loop.task.reward = [](const float* next, const float* action) {
    return robot::StandReward(next[0], next[1], next[2], next[3],
                              action[0] * robot::kTorquePerAction);
  };
  task.loop.feedback.gain[0][2] = kPositionGain;
  task.figures.position = 2;
  return task;
}

RobotTask Move() {
  RobotTask task = WheelLegged("wheel_legged_move", 3);
  task.loop.task.reward = [](const float* next, const float* action) {
    return robot::MoveReward(next[0], next[1], next[2], action[0] * robot::kTorquePerAction);
  };
  task.loop.feedback.target[2] = robot::kTargetVelocity;
  return task;
}

}  // namespace

transition::Schema RobotTask::Schema() const {
  return transition::Schema::Robot(name, loop.task.observation_dim, loop.task.action_dim,
                                   control_period_us);
}

RobotIdentity RobotTask::Identity(const std::string& robot) const {
  RobotIdentity identity;
  identity.robot = robot;
  identity.task = name;
  identity.observation_dim = loop.task.observation_dim;
  identity.action_dim = loop.task.action_dim;
  identity.control_period_us = control_period_us;
  return identity;
}

absl::StatusOr<RobotTask> FindRobotTask(const std::string& name) {
  if (name == "wheel_legged_stand") return Stand();
  if (name == "wheel_legged_move") return Move();
  return absl::NotFoundError(absl::StrCat(
      "task '", name, "' has no robot; those that do: wheel_legged_stand, wheel_legged_move"));
}

}  // namespace estuary::bridge
