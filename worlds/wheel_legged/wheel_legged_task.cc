#include "worlds/wheel_legged/wheel_legged_task.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "worlds/mujoco/episode_world.h"
#include "worlds/wheel_legged/reward.h"

namespace estuary::worlds {
namespace {

// Mean speed leaves out the start of an episode, s.
constexpr double kSettlingTime = 5;
// An operator rests after so many steps.
constexpr int kOperatorSteps = 2000;

void Observe(WheelLeggedGoal goal, const WheelLeggedState& state, absl::Span<double> observation) {
  observation[0] = state.pitch;
  observation[1] = state.pitch_rate;
  if (goal == WheelLeggedGoal::kStand) {
    observation[2] = state.x;
    observation[3] = state.speed;
  } else {
    observation[2] = state.speed;
  }
}

// One control period under a constant command.
WheelLeggedState StepPeriod(WheelLeggedRobot& robot, double torque) {
  for (int i = 0; i < WheelLeggedRobot::kSubstepsPerPeriod; ++i) robot.Step(torque);
  return robot.state();
}

class WheelLeggedWorld final : public EpisodeWorld {
 public:
  WheelLeggedWorld(const TaskSpec& spec, WheelLeggedGoal goal, const Physics& physics,
                   const WheelLeggedDynamics& dynamics)
      : EpisodeWorld(spec, physics),
        goal_(goal),
        balanced_pitch_(dynamics.balanced_pitch),
        robot_(physics.simulation, dynamics) {}

  std::map<std::string, double> EpisodeFigures() const override {
    std::map<std::string, double> figures = {{"max_abs_x", max_abs_x_}};
    if (settled_steps_ > 0) figures["mean_speed"] = settled_speed_ / settled_steps_;
    return figures;
  }

 private:
  const SimulationState& simulation() const override { return robot_.simulation(); }

  void ResetState(EpisodeKind kind, Random& random) override {
    const bool moving = goal_ == WheelLeggedGoal::kMove;
    WheelLeggedState state;
    if (kind == EpisodeKind::kTraining) {
      state.pitch = random.Uniform(-.2, .2);
      state.pitch_rate = random.Uniform(-1, 1);
      state.x = moving ? 0 : random.Uniform(-.4, .4);
      state.speed = (moving ? kWheelLeggedTargetSpeed : 0) + random.Uniform(-.5, .5);
    } else {
      // Let go near its own balance, at rest.
      state.pitch = balanced_pitch_ + random.Uniform(-.05, .05);
      state.pitch_rate = random.Uniform(-.1, .1);
      state.x = moving ? 0 : random.Uniform(-.05, .05);
    }
    robot_.Place(state);
    ResetFigures();
  }

  void ResetTo(absl::Span<const double> qpos, absl::Span<const double> qvel) override {
    robot_.PlaceAt(qpos, qvel);
    ResetFigures();
  }

  Outcome Advance(absl::Span<const double> action) override {
    const double torque = std::clamp(action[0], -1.0, 1.0) * WheelLeggedRobot::kMaxTorque;
    const WheelLeggedState next = StepPeriod(robot_, torque);
    max_abs_x_ = std::max(max_abs_x_, std::abs(next.x));
    if (steps() >= kSettlingTime / WheelLeggedRobot::kControlPeriod) {
      settled_speed_ += next.speed;
      ++settled_steps_;
    }
    return {.reward = WheelLeggedReward(goal_, next, torque),
            .terminated = wheel_legged::Fallen(next.pitch),
            .truncated = goal_ == WheelLeggedGoal::kStand && wheel_legged::LeftArea(next.x)};
  }

  void Observe(absl::Span<double> observation) const override {
    worlds::Observe(goal_, robot_.state(), observation);
  }

  void ResetFigures() {
    max_abs_x_ = std::abs(robot_.state().x);
    settled_speed_ = 0;
    settled_steps_ = 0;
  }

  const WheelLeggedGoal goal_;
  const double balanced_pitch_;
  WheelLeggedRobot robot_;
  double max_abs_x_ = 0;
  double settled_speed_ = 0;
  int settled_steps_ = 0;
};

class WheelLeggedOperatorSession final : public OperatorSession {
 public:
  WheelLeggedOperatorSession(WheelLeggedGoal goal, std::unique_ptr<WheelLeggedRobot> robot)
      : goal_(goal), robot_(std::move(robot)), person_(goal) {}

  void Start(Random& random, absl::Span<double> observation) override {
    robot_->Place(person_.Start(random));
    steps_ = 0;
    Observe(goal_, robot_->state(), observation);
  }

  StepResult Step(Random& random, absl::Span<float> action,
                  absl::Span<double> next_observation) override {
    // The robot gets the action as it is stored.
    action[0] =
        static_cast<float>(person_.Act(robot_->state(), random) / WheelLeggedRobot::kMaxTorque);
    const double torque = action[0] * WheelLeggedRobot::kMaxTorque;
    const WheelLeggedState next = StepPeriod(*robot_, torque);
    Observe(goal_, next, next_observation);
    const bool fallen = wheel_legged::Fallen(next.pitch);
    return {.reward = WheelLeggedReward(goal_, next, torque),
            .terminated = fallen,
            .truncated = ++steps_ >= kOperatorSteps && !fallen};
  }

 private:
  const WheelLeggedGoal goal_;
  const std::unique_ptr<WheelLeggedRobot> robot_;
  WheelLeggedOperator person_;
  int steps_ = 0;
};

}  // namespace

double WheelLeggedReward(WheelLeggedGoal goal, const WheelLeggedState& next, double torque) {
  return goal == WheelLeggedGoal::kStand
             ? wheel_legged::StandReward(next.pitch, next.pitch_rate, next.x, next.speed, torque)
             : wheel_legged::MoveReward(next.pitch, next.pitch_rate, next.speed, torque);
}

absl::StatusOr<std::vector<std::unique_ptr<World>>> WheelLeggedTask::MakeWorlds(
    const WorldOptions& options, int count) const {
  const WheelLeggedDynamics& dynamics = WheelLeggedDynamicsOf(options.dynamics);
  absl::StatusOr<ModelPtr> model = MakeWheelLeggedModel(dynamics);
  if (!model.ok()) return model.status();
  const absl::StatusOr<std::vector<Physics>> all =
      MakePhysics(spec_, *std::move(model), options, count);
  if (!all.ok()) return all.status();
  std::vector<std::unique_ptr<World>> worlds;
  for (const Physics& physics : *all) {
    worlds.push_back(std::make_unique<WheelLeggedWorld>(spec_, goal_, physics, dynamics));
  }
  return worlds;
}

absl::StatusOr<std::unique_ptr<OperatorSession>> WheelLeggedTask::MakeOperatorSession() const {
  absl::StatusOr<std::unique_ptr<WheelLeggedRobot>> robot =
      WheelLeggedRobot::Make(kWheelLeggedReal);
  if (!robot.ok()) return robot.status();
  return std::make_unique<WheelLeggedOperatorSession>(goal_, *std::move(robot));
}

}  // namespace estuary::worlds
