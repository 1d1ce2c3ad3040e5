// A world whose episodes go by a script: no physics, every observation says where it comes from.
#pragma once

#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "worlds/world.h"

namespace estuary::actor::testing {

// Observation: [world, episode of this world, step in the episode, drawn at reset]. Reward: the
// step.
class ScriptedWorld : public worlds::World {
 public:
  enum class End { kNever, kTerminate, kTruncate, kBoth, kDiverge, kNan };
  struct Script {
    int id = 0;
    // What happens at the step with this number (counting from 1), in every episode.
    int end_step = 0;
    End end = End::kNever;
    // Only in episodes below this one, then never.
    int end_episodes = 1 << 30;
  };

  static constexpr int kObservationDim = 4;
  static constexpr int kActionDim = 2;
  static constexpr char kTask[] = "scripted";

  explicit ScriptedWorld(const Script& script) : script_(script) {
    spec_.name = kTask;
    spec_.observation_dim = kObservationDim;
    spec_.action_dim = kActionDim;
    spec_.control_period = 0.005;
    spec_.training_steps = 1000;
    spec_.evaluation_steps = 1000;
  }

  const worlds::TaskSpec& spec() const override { return spec_; }

  void Reset(worlds::EpisodeKind kind, worlds::Random& random,
             absl::Span<double> observation) override {
    kind_ = kind;
    ++episode_;
    step_ = 0;
    drawn_ = random.Uniform();
    Observe(observation);
  }

  worlds::StepResult Step(absl::Span<const double> action, worlds::Random&,
                          absl::Span<double> next_observation) override {
    ++step_;
    action_sum_ += action[0] + action[1];
    Observe(next_observation);
    worlds::StepResult result{.reward = static_cast<double>(step_)};
    if (step_ != script_.end_step || episode_ >= script_.end_episodes) return result;
    result.terminated = script_.end == End::kTerminate || script_.end == End::kBoth;
    result.truncated = script_.end == End::kTruncate || script_.end == End::kBoth;
    result.diverged = script_.end == End::kDiverge;
    if (script_.end == End::kNan) next_observation[2] = std::nan("");
    return result;
  }

  std::vector<double> Qpos() const override { return {}; }
  std::vector<double> Qvel() const override { return {}; }
  absl::Status SetState(absl::Span<const double>, absl::Span<const double>,
                        absl::Span<double>) override {
    return absl::UnimplementedError("a scripted world has no state");
  }
  std::map<std::string, double> EpisodeFigures() const override {
    return {{"action_sum", action_sum_}, {"steps", step_}};
  }

  worlds::EpisodeKind kind() const { return kind_; }

 private:
  void Observe(absl::Span<double> observation) const {
    observation[0] = script_.id;
    observation[1] = episode_;
    observation[2] = step_;
    observation[3] = drawn_;
  }

  const Script script_;
  worlds::TaskSpec spec_;
  worlds::EpisodeKind kind_ = worlds::EpisodeKind::kTraining;
  int episode_ = -1;
  int step_ = 0;
  double drawn_ = 0;
  double action_sum_ = 0;
};

inline std::vector<std::unique_ptr<worlds::World>> ScriptedWorlds(
    const std::vector<ScriptedWorld::Script>& scripts) {
  std::vector<std::unique_ptr<worlds::World>> worlds;
  for (const ScriptedWorld::Script& script : scripts) {
    worlds.push_back(std::make_unique<ScriptedWorld>(script));
  }
  return worlds;
}

}  // namespace estuary::actor::testing
