// The fallback controller: state feedback that keeps the robot up without any policy,
//
//   action_i = clamp(sum_j gain_ij * (observation_j - target_j) / scale, -1, 1).
//
// It is computed in every tick, so that switching to it costs nothing.
#pragma once

#include <algorithm>
#include <array>

#include "robot_bridge/loop/types.h"

namespace estuary::bridge {

struct Feedback {
  int observation_dim = 0;
  int action_dim = 0;
  // The gains' unit of output per 1 of action.
  float scale = 1;
  ObservationArray target{};
  std::array<ObservationArray, kMaxAction> gain{};
};

inline void Evaluate(const Feedback& feedback, const float* observation, float* action) {
  for (int i = 0; i < feedback.action_dim; ++i) {
    float sum = 0;
    for (int j = 0; j < feedback.observation_dim; ++j) {
      sum += feedback.gain[i][j] * (observation[j] - feedback.target[j]);
    }
    action[i] = std::clamp(sum / feedback.scale, -1.0f, 1.0f);
  }
}

}  // namespace estuary::bridge
