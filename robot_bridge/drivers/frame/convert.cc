#include "robot_bridge/drivers/frame/convert.h"

#include <algorithm>
#include <cstring>

namespace estuary::bridge {

static_assert(kMaxObservation == ESTUARY_FRAME_MOST_OBSERVATIONS);
static_assert(kMaxAction == ESTUARY_FRAME_MOST_ACTIONS);

void FromFrame(const estuary_frame& frame, Observation& observation) {
  observation.sequence = frame.sequence;
  observation.robot_time_ns = static_cast<int64_t>(frame.time_ns);
  observation.observation_dim = frame.n;
  std::copy_n(frame.first, kMaxObservation, observation.observation.begin());
  observation.applied_sequence = frame.answers;
  observation.applied_dim = frame.m;
  std::copy_n(frame.second, kMaxAction, observation.applied_action.begin());
  observation.applied_changed = (frame.flags & ESTUARY_APPLIED_CHANGED) != 0;
  observation.episode_start = (frame.flags & ESTUARY_EPISODE_START) != 0;
}

void ToFrame(const Observation& observation, estuary_frame& frame) {
  std::memset(&frame, 0, sizeof(frame));
  frame.kind = ESTUARY_OBSERVATION;
  frame.flags = static_cast<uint8_t>((observation.applied_changed ? ESTUARY_APPLIED_CHANGED : 0) |
                                     (observation.episode_start ? ESTUARY_EPISODE_START : 0));
  frame.n = static_cast<uint8_t>(std::min<uint32_t>(observation.observation_dim, kMaxObservation));
  frame.m = static_cast<uint8_t>(std::min<uint32_t>(observation.applied_dim, kMaxAction));
  frame.sequence = observation.sequence;
  frame.time_ns = static_cast<uint64_t>(observation.robot_time_ns);
  frame.answers = observation.applied_sequence;
  std::copy_n(observation.observation.begin(), frame.n, frame.first);
  std::copy_n(observation.applied_action.begin(), frame.m, frame.second);
}

void FromFrame(const estuary_frame& frame, Command& command) {
  command.observation_sequence = frame.answers;
  command.action_dim = std::min<uint32_t>(frame.n, kMaxAction);
  std::copy_n(frame.first, kMaxAction, command.action.begin());
  command.torque_on = (frame.flags & ESTUARY_TORQUE_ON) != 0;
}

void ToFrame(const Command& command, uint64_t number, estuary_frame& frame) {
  std::memset(&frame, 0, sizeof(frame));
  frame.kind = ESTUARY_COMMAND;
  frame.flags = command.torque_on ? ESTUARY_TORQUE_ON : 0;
  frame.n = static_cast<uint8_t>(std::min<uint32_t>(command.action_dim, kMaxAction));
  frame.sequence = number;
  frame.answers = command.observation_sequence;
  std::copy_n(command.action.begin(), frame.n, frame.first);
}

RobotIdentity IdentityOf(const estuary_frame& frame) {
  return {.robot = Printable(frame.name),
          .task = Printable(frame.words),
          .observation_dim = frame.n,
          .action_dim = frame.m,
          .control_period_us = frame.period_us};
}

std::string Printable(const char* text) {
  std::string printable(text);
  for (char& c : printable) {
    if (c < ' ' || c > '~') c = '?';
  }
  return printable;
}

}  // namespace estuary::bridge
