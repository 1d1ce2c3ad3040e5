#include "worlds/mujoco/simulation.h"

#include <utility>

namespace estuary::worlds {
namespace {

constexpr unsigned kStored = mjSTATE_FULLPHYSICS | mjSTATE_WARMSTART;

}  // namespace

Simulation::Simulation(ModelPtr model)
    : model_(std::move(model)), data_(mj_makeData(model_.get())) {}

void Simulation::EditModel(absl::FunctionRef<void(mjModel&)> edit) {
  edit(*model_);
  mj_setConst(model_.get(), data_.get());
}

SimulationState::SimulationState(std::shared_ptr<Simulation> simulation)
    : simulation_(std::move(simulation)),
      stored_(mj_stateSize(simulation_->model_.get(), kStored)) {
  Reset();
}

SimulationState::~SimulationState() {
  if (simulation_->active_ == this) simulation_->active_ = nullptr;
}

void SimulationState::TakeTurn() const {
  const mjModel* const model = simulation_->model_.get();
  mjData* const data = simulation_->data_.get();
  if (simulation_->active_ != nullptr) {
    mj_getState(model, data, simulation_->active_->stored_.data(), kStored);
  }
  mj_setState(model, data, stored_.data(), kStored);
  simulation_->active_ = this;
}

mjData& SimulationState::Reset() {
  mjData& shared = data();
  mj_resetData(simulation_->model_.get(), &shared);
  return shared;
}

}  // namespace estuary::worlds
