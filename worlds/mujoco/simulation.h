// One MuJoCo simulator that several worlds take turns in.
//
// An mjData is large beside the state that a step starts from, so worlds stepped in turn by one
// thread are fastest when they share one: a world that takes its turn stores its predecessor's
// state, a few dozen numbers, and loads its own. A world that is alone never copies anything.
//
// Threads: a Simulation and everything made from it belong to one thread at a time.
#pragma once

#include <mujoco/mujoco.h>

#include <memory>
#include <vector>

#include "absl/functional/function_ref.h"
#include "worlds/mujoco/model.h"

namespace estuary::worlds {

class SimulationState;

class Simulation {
 public:
  explicit Simulation(ModelPtr model);

  const mjModel& model() const { return *model_; }

  // Changes the model and lets MuJoCo recompute what depends on its numbers. Every state is lost:
  // reset them.
  void EditModel(absl::FunctionRef<void(mjModel&)> edit);

 private:
  friend class SimulationState;

  const ModelPtr model_;
  const DataPtr data_;
  const SimulationState* active_ = nullptr;
};

// One world's state in a shared simulation: everything that MuJoCo integrates, with the solver's
// warm start, so that taking turns changes no bit. Applied forces and controls are not part of it:
// set them before every step.
class SimulationState {
 public:
  explicit SimulationState(std::shared_ptr<Simulation> simulation);
  SimulationState(const SimulationState&) = delete;
  SimulationState& operator=(const SimulationState&) = delete;
  ~SimulationState();

  const mjModel& model() const { return simulation_->model(); }
  // The simulation's data, holding this state until another takes its turn.
  mjData& data() const {
    if (simulation_->active_ != this) TakeTurn();
    return *simulation_->data_;
  }
  // The model's initial state, as mj_resetData makes it.
  mjData& Reset();

 private:
  void TakeTurn() const;

  const std::shared_ptr<Simulation> simulation_;
  // The state between turns.
  mutable std::vector<mjtNum> stored_;
};

}  // namespace estuary::worlds
