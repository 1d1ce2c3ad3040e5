// Bytes from a datagram socket or a serial line: through the decoder and the session's checks up to
// the loop.
//
// Input: a byte for the kind of wire, then pieces; of each piece the first byte says what else
// happens, and (over datagrams) whether it comes from a stranger.
#include "robot_bridge/drivers/frame/convert.h"
#include "robot_bridge/drivers/frame/estuary_frame.h"
#include "robot_bridge/drivers/frame/estuary_robot.h"
#include "robot_bridge/drivers/frame/reader.h"
#include "robot_bridge/drivers/frame/session.h"
#include "tests/fuzz/loop_rig.h"

namespace estuary::fuzz {
namespace {

constexpr int kMostPieces = 64;

// What was read can be written, and then says the same.
void CheckRoundTrip(const estuary_frame& frame) {
  uint8_t bytes[ESTUARY_FRAME_MOST];
  const size_t size = estuary_frame_encode(&frame, bytes);
  FUZZ_CHECK(size > 0 && size <= sizeof(bytes), "a frame that was read can be written");
  estuary_frame again;
  FUZZ_CHECK(estuary_frame_decode(bytes, size, &again), "and read again");
  uint8_t bytes_again[ESTUARY_FRAME_MOST];
  FUZZ_CHECK(estuary_frame_encode(&again, bytes_again) == size &&
                 std::memcmp(bytes, bytes_again, size) == 0,
             "to the byte");
}

void Run(const uint8_t* data, size_t size) {
  Input input(data, size);
  const uint8_t options = input.Byte();
  LoopRig rig;
  bridge::FrameReader reader(/*stream=*/options & 1);
  bridge::FrameSession session(rig.task().Identity("robot"));
  // The robot's end hears the same bytes.
  estuary_robot robot;
  estuary_robot_init(&robot, "robot", "wheel_legged_stand", 4, 1, 5000, 1);
  robot.state = ESTUARY_CONNECTED;
  for (int i = 0; i < kMostPieces && !input.empty(); ++i) {
    const uint8_t what = input.Byte();
    rig.Disturb(what);
    bridge::Peer peer;
    peer.size = 1;
    peer.address[0] = what >> 7;
    const absl::string_view piece = input.Bytes(input.Number<uint16_t>());
    bool stepped = false;
    reader.Put(
        reinterpret_cast<const uint8_t*>(piece.data()), piece.size(),
        [&](const estuary_frame& frame) {
          CheckRoundTrip(frame);
          estuary_robot_take(&robot, &frame, static_cast<uint64_t>(rig.now()));
          bridge::Printable(frame.words);
          if (session.Take(frame, peer, rig.now()) != bridge::FrameSession::Verdict::kObservation) {
            return;
          }
          rig.Step(&session.observation());
          stepped = true;
        });
    if (!stepped) rig.Step(nullptr);
  }
}

}  // namespace
}  // namespace estuary::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  estuary::fuzz::Run(data, size);
  return 0;
}
