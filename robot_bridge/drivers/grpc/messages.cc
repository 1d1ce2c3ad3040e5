#include "robot_bridge/drivers/grpc/messages.h"

#include <algorithm>

namespace estuary::bridge {
namespace {

template <typename Array>
uint32_t CopyFrom(const google::protobuf::RepeatedField<float>& values, Array& array) {
  std::copy_n(values.begin(), std::min<size_t>(values.size(), array.size()), array.begin());
  return static_cast<uint32_t>(values.size());
}

template <typename Array>
void CopyTo(const Array& array, uint32_t count, google::protobuf::RepeatedField<float>& values) {
  values.Clear();
  for (size_t i = 0; i < std::min<size_t>(count, array.size()); ++i) values.Add(array[i]);
}

}  // namespace

void FromProto(const v1::RobotObservation& proto, Observation& observation) {
  observation.sequence = proto.sequence();
  observation.robot_time_ns = static_cast<int64_t>(proto.robot_time_ns());
  observation.observation_dim = CopyFrom(proto.observation(), observation.observation);
  observation.applied_sequence = proto.applied_sequence();
  observation.applied_dim = CopyFrom(proto.applied_action(), observation.applied_action);
  observation.applied_changed = proto.applied_changed();
  observation.episode_start = proto.episode_start();
}

void ToProto(const Observation& observation, v1::RobotObservation& proto) {
  proto.set_sequence(observation.sequence);
  proto.set_robot_time_ns(observation.robot_time_ns);
  CopyTo(observation.observation, observation.observation_dim, *proto.mutable_observation());
  proto.set_applied_sequence(observation.applied_sequence);
  CopyTo(observation.applied_action, observation.applied_dim, *proto.mutable_applied_action());
  proto.set_applied_changed(observation.applied_changed);
  proto.set_episode_start(observation.episode_start);
}

void FromProto(const v1::RobotCommand& proto, Command& command) {
  command.observation_sequence = proto.observation_sequence();
  command.action_dim = CopyFrom(proto.action(), command.action);
  command.torque_on = proto.torque_on();
}

RobotIdentity IdentityOf(const v1::RobotHello& hello) {
  return {.robot = hello.robot(),
          .task = hello.task(),
          .observation_dim = hello.observation_dim(),
          .action_dim = hello.action_dim(),
          .control_period_us = hello.control_period_us()};
}

void ToProto(const Command& command, v1::RobotCommand& proto) {
  proto.set_observation_sequence(command.observation_sequence);
  CopyTo(command.action, command.action_dim, *proto.mutable_action());
  proto.set_torque_on(command.torque_on);
}

}  // namespace estuary::bridge
