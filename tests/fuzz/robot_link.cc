// Messages of RobotLink as a robot may send them: through the driver's checks up to the loop.
//
// Input: pieces; of each the first byte says what else happens, the rest is a RobotMessage.
#include "robot_bridge/drivers/grpc/messages.h"
#include "robot_bridge/drivers/identity.h"
#include "tests/fuzz/harness/quiet.h"
#include "tests/fuzz/loop_rig.h"

namespace estuary::fuzz {
namespace {

constexpr int kMostPieces = 64;

void Run(const uint8_t* data, size_t size) {
  Input input(data, size);
  LoopRig rig;
  const bridge::RobotIdentity expected = rig.task().Identity("robot");
  uint64_t link = 1;
  bridge::Observation observation;
  for (int i = 0; i < kMostPieces && !input.empty(); ++i) {
    rig.Disturb(input.Byte());
    const absl::string_view piece = input.Bytes(input.Number<uint16_t>());
    v1::RobotMessage message;
    if (!message.ParseFromArray(piece.data(), static_cast<int>(piece.size()))) continue;
    if (message.has_hello()) {
      if (bridge::Mismatch(expected, bridge::IdentityOf(message.hello())).empty()) ++link;
      continue;
    }
    bridge::FromProto(message.observation(), observation);
    observation.link = link;
    observation.received_ns = rig.now();
    rig.Step(message.has_observation() ? &observation : nullptr);
    v1::RobotObservation again;
    bridge::ToProto(observation, again);
    FUZZ_CHECK(again.observation_size() <= bridge::kMaxObservation,
               "never more than there is room");
  }
}

}  // namespace
}  // namespace estuary::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  estuary::fuzz::Run(data, size);
  return 0;
}
