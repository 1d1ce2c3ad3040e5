// How an operator's wish reaches the loop and the loop's answer the operator: two rings, so that
// the loop shares no lock with whoever serves the operator.
#pragma once

#include <cstdint>

#include "robot_bridge/loop/spsc_ring.h"
#include "robot_bridge/loop/states.h"
#include "robot_bridge/loop/types.h"

namespace estuary::bridge {

struct Request {
  uint64_t id = 0;
  Event event = Event::kDisarm;
};

enum class Answer : uint8_t {
  kDone,
  // The state that was asked for is the state it is in.
  kAlready,
  // No edge leads there from this state.
  kNotFromHere,
  kNoRobot,
  kObservationUnusable,
  kOutsideEnvelope,
  kNoPolicy,
  kNoOperator,
};

struct Reply {
  uint64_t id = 0;
  Answer answer = Answer::kDone;
  State state = State::kDisarmed;
};

struct OperatorPort {
  OperatorPort() : requests(64), replies(64) {}

  SpscRing<Request> requests;
  SpscRing<Reply> replies;
};

// What a person at a joystick (or a script in his place) wants now.
struct OperatorInput {
  // Names one spell of steering: whoever steers after him has another.
  uint64_t ticket = 0;
  // How old it is: when the observation that it answers had come. 0: it is no command any more.
  int64_t at_ns = 0;
  // Counts his episodes; where it changes, the recorded one is cut.
  uint32_t episode = 0;
  ActionArray action{};
};

}  // namespace estuary::bridge
