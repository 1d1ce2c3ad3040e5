// The wheel-legged robot's state out of what its tasks observe of it.
#pragma once

#include <optional>

#include "absl/types/span.h"
#include "worlds/wheel_legged/robot.h"
#include "worlds/world.h"

namespace estuary::cli {

struct WheelLeggedView {
  // The standing task sees where the robot is; the moving one does not, and x is its speed summed
  // up.
  bool has_x = false;
  double x = 0;

  // Nothing where the task is none of the robot's.
  static std::optional<WheelLeggedView> Of(const worlds::TaskSpec& task) {
    if (task.name == "wheel_legged_stand") return WheelLeggedView{.has_x = true};
    if (task.name == "wheel_legged_move") return WheelLeggedView{.has_x = false};
    return std::nullopt;
  }

  worlds::WheelLeggedState See(absl::Span<const float> observation) {
    worlds::WheelLeggedState state;
    state.pitch = observation[0];
    state.pitch_rate = observation[1];
    state.speed = observation[observation.size() - 1];
    x = has_x ? observation[2] : x + worlds::WheelLeggedRobot::kControlPeriod * state.speed;
    state.x = x;
    return state;
  }
};

}  // namespace estuary::cli
