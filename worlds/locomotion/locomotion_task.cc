#include "worlds/locomotion/locomotion_task.h"

#include <algorithm>

#include "worlds/mujoco/episode_world.h"

namespace estuary::worlds {
namespace {

enum Dof { kX, kZ, kAngle };

class LocomotionWorld final : public EpisodeWorld {
 public:
  // `spec` and `rules` outlive the world.
  LocomotionWorld(const TaskSpec& spec, const LocomotionRules& rules, const Physics& physics)
      : EpisodeWorld(spec, physics), rules_(rules), state_(physics.simulation) {}

  std::map<std::string, double> EpisodeFigures() const override {
    if (steps() == 0) return {};
    const double distance = state_.data().qpos[kX] - first_x_;
    return {{"mean_speed", distance / (steps() * spec().control_period)}};
  }

 private:
  const SimulationState& simulation() const override { return state_; }

  void ResetState(EpisodeKind, Random& random) override {
    const mjModel& model = state_.model();
    mjData& data = state_.Reset();
    const double position = rules_.reset_position_noise;
    const double velocity = rules_.reset_velocity_noise;
    for (int i = 0; i < model.nq; ++i) {
      data.qpos[i] = model.qpos0[i] + random.Uniform(-position, position);
    }
    for (int i = 0; i < model.nv; ++i) {
      data.qvel[i] = rules_.reset_velocity_is_normal ? velocity * random.Normal()
                                                     : random.Uniform(-velocity, velocity);
    }
    Begin(data);
  }

  void ResetTo(absl::Span<const double> qpos, absl::Span<const double> qvel) override {
    mjData& data = state_.Reset();
    std::copy(qpos.begin(), qpos.end(), data.qpos);
    std::copy(qvel.begin(), qvel.end(), data.qvel);
    Begin(data);
  }

  void Begin(mjData& data) {
    // As gymnasium: it leaves the solver a warm start, which shows in the last bits of the first
    // step.
    mj_forward(&state_.model(), &data);
    first_x_ = data.qpos[kX];
  }

  Outcome Advance(absl::Span<const double> action) override {
    mjData& data = state_.data();
    const double x_before = data.qpos[kX];
    double control_cost = 0;
    for (size_t i = 0; i < action.size(); ++i) {
      data.ctrl[i] = action[i];
      control_cost += action[i] * action[i];
    }
    for (int i = 0; i < rules_.frame_skip; ++i) mj_step(&state_.model(), &data);
    const double speed = (data.qpos[kX] - x_before) / spec().control_period;
    Outcome outcome;
    outcome.reward = speed;
    if (rules_.health.has_value()) {
      if (IsHealthy(data)) {
        outcome.reward += rules_.health->reward;
      } else {
        outcome.terminated = true;
      }
    }
    outcome.reward -= rules_.control_cost * control_cost;
    return outcome;
  }

  bool IsHealthy(const mjData& data) const {
    const LocomotionRules::Health& health = *rules_.health;
    return health.min_z < data.qpos[kZ] && data.qpos[kZ] < health.max_z &&
           health.min_angle < data.qpos[kAngle] && data.qpos[kAngle] < health.max_angle;
  }

  void Observe(absl::Span<double> observation) const override {
    const mjModel& model = state_.model();
    const mjData& data = state_.data();
    double* const velocities = std::copy(data.qpos + 1, data.qpos + model.nq, observation.data());
    std::copy_n(data.qvel, model.nv, velocities);
    if (rules_.velocity_clip.has_value()) {
      const double limit = *rules_.velocity_clip;
      for (int i = 0; i < model.nv; ++i) velocities[i] = std::clamp(velocities[i], -limit, limit);
    }
  }

  const LocomotionRules& rules_;
  SimulationState state_;
  double first_x_ = 0;
};

}  // namespace

absl::StatusOr<std::vector<std::unique_ptr<World>>> LocomotionTask::MakeWorlds(
    const WorldOptions& options, int count) const {
  absl::StatusOr<ModelPtr> model = CompileModel(rules_.mjcf_path);
  if (!model.ok()) return model.status();
  const absl::StatusOr<std::vector<Physics>> all =
      MakePhysics(spec_, *std::move(model), options, count);
  if (!all.ok()) return all.status();
  std::vector<std::unique_ptr<World>> worlds;
  for (const Physics& physics : *all) {
    worlds.push_back(std::make_unique<LocomotionWorld>(spec_, rules_, physics));
  }
  return worlds;
}

}  // namespace estuary::worlds
