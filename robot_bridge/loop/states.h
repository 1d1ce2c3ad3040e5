// The bridge's states and every way between them, as one table.
//
//   DISARMED  motors off
//   ARMED     motors on, the fallback controller holds the robot until a mode is chosen
//   POLICY    the policy acts
//   OPERATOR  a person (or a script in his place) acts
//   FALLBACK  the fallback controller acts, by choice or because something was wrong
//   ESTOP     motors off; only an operator's Arm leads out
//
// What is not in the table does not happen. Every edge has a reason, which is logged, counted and
// reported.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

namespace estuary::bridge {

// As estuary.v1.RobotState.
enum class State : uint8_t {
  kDisarmed = 1,
  kArmed = 2,
  kPolicy = 3,
  kOperator = 4,
  kFallback = 5,
  kEstop = 6,
};
inline constexpr std::array<State, 6> kStates = {State::kDisarmed, State::kArmed,    State::kPolicy,
                                                 State::kOperator, State::kFallback, State::kEstop};

enum class Event : uint8_t {
  // From the operator.
  kArm,
  kDisarm,
  kEmergencyStop,
  kChoosePolicy,
  kChooseOperator,
  kChooseFallback,
  // From the loop.
  kObservationInvalid,
  kObservationStale,
  kObservationsLost,
  kLinkReplaced,
  kEnvelopeFallback,
  kEnvelopeOff,
  kPolicyInvalid,
  kOperatorSilent,
  kPolicyRecovered,
  kOperatorRecovered,
};
inline constexpr int kEvents = 16;

struct Edge {
  State from;
  Event event;
  State to;
};

// The edge that `event` takes from `state`; none where it changes nothing.
std::optional<Edge> FindEdge(State state, Event event);

// Motors may turn.
constexpr bool TorqueOn(State state) { return state != State::kDisarmed && state != State::kEstop; }

// "POLICY".
const char* Name(State state);
// A code for metrics and logs: "observation_invalid".
const char* Code(Event event);
// For people: "an observation was not finite or not of the task's size".
const char* Words(Event event);

}  // namespace estuary::bridge
