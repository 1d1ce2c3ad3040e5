// The wheel-legged robot as tasks: standing still within half a metre, and moving straight at a
// speed. They differ in what is seen, rewarded and allowed; robot, resets, operator and evaluation
// are one.
#pragma once

#include "worlds/task.h"
#include "worlds/wheel_legged/controllers.h"

namespace estuary::worlds {

// Rewards of a step, of the state it led to and the commanded torque, never negative.
double WheelLeggedReward(WheelLeggedGoal goal, const WheelLeggedState& next, double torque);

class WheelLeggedTask : public Task {
 public:
  WheelLeggedTask(TaskSpec spec, WheelLeggedGoal goal) : spec_(std::move(spec)), goal_(goal) {}

  const TaskSpec& spec() const override { return spec_; }
  absl::StatusOr<std::vector<std::unique_ptr<World>>> MakeWorlds(const WorldOptions& options,
                                                                 int count) const override;
  absl::StatusOr<std::unique_ptr<OperatorSession>> MakeOperatorSession() const override;

 private:
  const TaskSpec spec_;
  const WheelLeggedGoal goal_;
};

}  // namespace estuary::worlds
