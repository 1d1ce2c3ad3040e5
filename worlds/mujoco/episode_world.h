// What every MuJoCo world does alike: clamps the action, lets the gap disturb it and what is
// observed, counts the episode's steps, notices a simulation that diverged. A task adds how an
// episode begins, what a step does and what is seen.
#pragma once

#include <mujoco/mujoco.h>

#include <map>
#include <string>
#include <vector>

#include "worlds/mujoco/physics.h"
#include "worlds/world.h"

namespace estuary::worlds {

class EpisodeWorld : public World {
 public:
  const TaskSpec& spec() const final { return spec_; }
  void Reset(EpisodeKind kind, Random& random, absl::Span<double> observation) final;
  StepResult Step(absl::Span<const double> action, Random& random,
                  absl::Span<double> next_observation) final;
  std::vector<double> Qpos() const final;
  std::vector<double> Qvel() const final;
  absl::Status SetState(absl::Span<const double> qpos, absl::Span<const double> qvel,
                        absl::Span<double> observation) final;
  absl::Span<const float> gap() const final { return physics_.gap.numbers(); }

 protected:
  struct Outcome {
    double reward = 0;
    bool terminated = false;
    // Cut short for where the robot is.
    bool truncated = false;
  };

  // `spec` outlives the world.
  EpisodeWorld(const TaskSpec& spec, Physics physics);

  virtual const SimulationState& simulation() const = 0;
  // Puts the model into a first state; the figures start anew.
  virtual void ResetState(EpisodeKind kind, Random& random) = 0;
  // As ResetState, from outside; the sizes are right.
  virtual void ResetTo(absl::Span<const double> qpos, absl::Span<const double> qvel) = 0;
  // One control period. With the gap's noise an action may lie outside [-1, 1].
  virtual Outcome Advance(absl::Span<const double> action) = 0;
  virtual void Observe(absl::Span<double> observation) const = 0;

  int steps() const { return steps_; }

 private:
  const TaskSpec& spec_;
  Physics physics_;
  int steps_ = 0;
  int last_step_;
  std::vector<double> action_;
};

}  // namespace estuary::worlds
