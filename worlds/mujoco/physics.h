// What a MuJoCo world is made of: a simulation, and the gap that its model and its interface have.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "worlds/mujoco/gap.h"
#include "worlds/mujoco/model.h"
#include "worlds/mujoco/simulation.h"
#include "worlds/world.h"

namespace estuary::worlds {

struct Physics {
  std::shared_ptr<Simulation> simulation;
  WorldGap gap = {};
  // The model before the gap; only where each episode edits it anew.
  std::shared_ptr<const mjModel> original = nullptr;

  // Draws the episode's numbers and edits the model by them. The state is lost where it does.
  void BeginEpisode(Random& random);
};

// For `count` worlds of one thread. The gap edits `model` where the dynamics are the simulator's.
// The worlds share one simulation, unless each episode has a model of its own.
absl::StatusOr<std::vector<Physics>> MakePhysics(const TaskSpec& spec, ModelPtr model,
                                                 const WorldOptions& options, int count);

}  // namespace estuary::worlds
