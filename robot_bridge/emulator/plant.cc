#include "robot_bridge/emulator/plant.h"

#include "absl/strings/str_cat.h"
#include "worlds/wheel_legged/controllers.h"
#include "worlds/wheel_legged/reward.h"

namespace estuary::bridge {

namespace tasks = worlds::wheel_legged;

namespace {

// rad, rad/s, m, m/s.
constexpr double kPitchNoise = .002;
constexpr double kPitchRateNoise = .02;
constexpr double kPositionNoise = .001;
constexpr double kSpeedNoise = .01;

// rad/s: past the fall in a tenth of a second.
constexpr double kKnock = 5;

}  // namespace

absl::StatusOr<std::unique_ptr<Plant>> Plant::Make(const std::string& task,
                                                   const SensorErrors& errors) {
  const bool standing = task == "wheel_legged_stand";
  if (!standing && task != "wheel_legged_move") {
    return absl::NotFoundError(absl::StrCat(
        "task '", task, "' has no robot; those that do: wheel_legged_stand, wheel_legged_move"));
  }
  absl::StatusOr<std::unique_ptr<worlds::WheelLeggedRobot>> robot =
      worlds::WheelLeggedRobot::Make(worlds::kWheelLeggedReal);
  if (!robot.ok()) return robot.status();
  auto plant = std::unique_ptr<Plant>(new Plant(standing, errors, *std::move(robot)));
  plant->identity_.task = task;
  return plant;
}

Plant::Plant(bool standing, const SensorErrors& errors,
             std::unique_ptr<worlds::WheelLeggedRobot> robot)
    : standing_(standing), errors_(errors), robot_(std::move(robot)) {
  identity_.observation_dim = standing_ ? 4 : 3;
  identity_.action_dim = 1;
  identity_.control_period_us = 5000;
}

void Plant::Place(Release release, worlds::Random& random) {
  worlds::WheelLeggedState state;
  if (release == Release::kEvaluation) {
    state.pitch = worlds::kWheelLeggedReal.balanced_pitch + random.Uniform(-.05, .05);
    state.pitch_rate = random.Uniform(-.1, .1);
    state.x = standing_ ? random.Uniform(-.05, .05) : 0;
  } else {
    worlds::WheelLeggedOperator person(standing_ ? worlds::WheelLeggedGoal::kStand
                                                 : worlds::WheelLeggedGoal::kMove);
    state = person.Start(random);
  }
  robot_->Place(state);
}

void Plant::Step(float action) { robot_->Step(action * worlds::WheelLeggedRobot::kMaxTorque); }

void Plant::Push() {
  worlds::WheelLeggedState state = robot_->state();
  state.pitch_rate += state.pitch < 0 ? -kKnock : kKnock;
  robot_->Place(state);
}

int Plant::Observe(ObservationArray& observation, worlds::Random& random) const {
  worlds::WheelLeggedState state = robot_->state();
  state.pitch += errors_.imu_bias;
  if (errors_.noise > 0) {
    state.pitch += errors_.noise * kPitchNoise * random.Normal();
    state.pitch_rate += errors_.noise * kPitchRateNoise * random.Normal();
    state.x += errors_.noise * kPositionNoise * random.Normal();
    state.speed += errors_.noise * kSpeedNoise * random.Normal();
  }
  int count = 0;
  observation[count++] = static_cast<float>(state.pitch);
  observation[count++] = static_cast<float>(state.pitch_rate);
  if (standing_) observation[count++] = static_cast<float>(state.x);
  observation[count++] = static_cast<float>(state.speed);
  return count;
}

double Plant::Reward(float action) const {
  const worlds::WheelLeggedState state = robot_->state();
  const double u = action * tasks::kTorquePerAction;
  return standing_ ? tasks::StandReward(state.pitch, state.pitch_rate, state.x, state.speed, u)
                   : tasks::MoveReward(state.pitch, state.pitch_rate, state.speed, u);
}

bool Plant::Fallen() const { return tasks::Fallen(robot_->state().pitch); }
bool Plant::LeftArea() const { return standing_ && tasks::LeftArea(robot_->state().x); }

}  // namespace estuary::bridge
