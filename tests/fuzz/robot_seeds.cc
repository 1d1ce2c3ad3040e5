// Well-formed inputs of the robot's fuzzers: a handshake, then a drive.
#include "robot_bridge/drivers/frame/convert.h"
#include "robot_bridge/drivers/frame/estuary_robot.h"
#include "robot_bridge/drivers/grpc/messages.h"
#include "robot_bridge/loop/states.h"
#include "tests/fuzz/seeds.h"

namespace estuary::fuzz {
namespace {

constexpr int kObservations = 12;

bridge::Observation ObservationAt(uint64_t sequence) {
  bridge::Observation observation;
  observation.sequence = sequence;
  observation.robot_time_ns = static_cast<int64_t>(sequence * 5'000'000);
  observation.observation_dim = 4;
  observation.observation = {-.1f, .01f, 0, .02f};
  if (sequence > 3) {
    observation.applied_sequence = sequence - 1;
    observation.applied_dim = 1;
    observation.applied_action = {.05f};
  }
  return observation;
}

// What else happens: armed, a policy offered and chosen.
uint8_t What(uint64_t sequence) {
  if (sequence == 2) return 1 | static_cast<uint8_t>(bridge::Event::kArm) << 3;
  if (sequence == 3) return 2;
  if (sequence == 4) return 1 | static_cast<uint8_t>(bridge::Event::kChoosePolicy) << 3;
  return 0;
}

void AppendPart(uint8_t what, const std::string& bytes, std::string& input) {
  AppendNumber(what, input);
  AppendNumber(static_cast<uint16_t>(bytes.size()), input);
  input += bytes;
}

std::string ToBytes(const estuary_frame& frame) {
  uint8_t bytes[ESTUARY_FRAME_MOST];
  const size_t size = estuary_frame_encode(&frame, bytes);
  return std::string(reinterpret_cast<const char*>(bytes), size);
}

std::string Frames(uint8_t stream) {
  std::string input;
  AppendNumber(stream, input);
  estuary_robot robot;
  estuary_robot_init(&robot, "robot", "wheel_legged_stand", 4, 1, 5000, 1);
  estuary_frame frame;
  estuary_robot_hello_due(&robot, 1, &frame);
  AppendPart(0, ToBytes(frame), input);
  for (uint64_t sequence = 1; sequence <= kObservations; ++sequence) {
    bridge::ToFrame(ObservationAt(sequence), frame);
    frame.link = robot.link;
    AppendPart(What(sequence), ToBytes(frame), input);
  }
  bridge::Command command;
  command.action_dim = 1;
  command.torque_on = true;
  bridge::ToFrame(command, 1, frame);
  frame.link = robot.link;
  AppendPart(0, ToBytes(frame), input);
  return input;
}

}  // namespace

void SeedRobotFrames(Seeds& seeds) {
  seeds.Add("datagrams", Frames(0));
  seeds.Add("stream", Frames(1));
}

void SeedRobotLink(Seeds& seeds) {
  std::string input;
  v1::RobotMessage message;
  message.mutable_hello()->set_robot("robot");
  message.mutable_hello()->set_task("wheel_legged_stand");
  message.mutable_hello()->set_observation_dim(4);
  message.mutable_hello()->set_action_dim(1);
  message.mutable_hello()->set_control_period_us(5000);
  AppendPart(0, message.SerializeAsString(), input);
  for (uint64_t sequence = 1; sequence <= kObservations; ++sequence) {
    bridge::ToProto(ObservationAt(sequence), *message.mutable_observation());
    AppendPart(What(sequence), message.SerializeAsString(), input);
  }
  seeds.Add("drive", input);
}

}  // namespace estuary::fuzz
