// What passes through the 200 Hz loop, in fixed-size structs, so that moving it about never
// allocates.
//
// Terms: a *tick* is one pass of the loop that answers an observation; a *link* is one connection
// of the robot (a new one gets a new number, and nothing spans two of them).
#pragma once

#include <array>
#include <cstdint>

namespace estuary::bridge {

inline constexpr int kMaxObservation = 32;
inline constexpr int kMaxAction = 16;

using ObservationArray = std::array<float, kMaxObservation>;
using ActionArray = std::array<float, kMaxAction>;

struct Observation {
  uint64_t link = 0;
  // Counts control periods from 1 within the robot's life.
  uint64_t sequence = 0;
  // The robot's monotonic clock, and ours when it came.
  int64_t robot_time_ns = 0;
  int64_t received_ns = 0;
  // As received, at most kMaxObservation; the loop refuses what is not the task's.
  uint32_t observation_dim = 0;
  ObservationArray observation{};
  // The command that was in force in the period that ended here; see robot.proto.
  uint64_t applied_sequence = 0;
  uint32_t applied_dim = 0;
  ActionArray applied_action{};
  bool applied_changed = false;
  bool episode_start = false;
};

struct Command {
  uint64_t link = 0;
  // The observation that this answers.
  uint64_t observation_sequence = 0;
  uint32_t action_dim = 0;
  ActionArray action{};
  bool torque_on = false;
};

// As estuary.v1.TransitionSource.
enum class Source : uint8_t { kPolicy = 2, kOperator = 4, kFallback = 5 };

struct Transition {
  ObservationArray observation{};
  ActionArray action{};
  float reward = 0;
  ObservationArray next_observation{};
  bool terminal = false;
  bool truncated = false;
  Source source = Source::kFallback;
  uint32_t policy_version = 0;
  uint32_t episode = 0;
  // What the source wanted, before the limits.
  ActionArray policy_action{};
  uint32_t action_latency_us = 0;
};

}  // namespace estuary::bridge
