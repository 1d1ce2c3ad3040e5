#include "robot_bridge/drivers/frame/session.h"

#include <utility>

#include "robot_bridge/drivers/frame/convert.h"

namespace estuary::bridge {

FrameSession::Verdict FrameSession::Take(const estuary_frame& frame, const Peer& from,
                                         int64_t now) {
  if (frame.kind == ESTUARY_HELLO) return Hello(frame, from, now);
  if (frame.kind != ESTUARY_OBSERVATION || counts_.links == 0 || frame.link != link_number_ ||
      from != peer_) {
    ++counts_.foreign;
    return Verdict::kNothing;
  }
  heard_ns_ = now;
  if (frame.sequence <= newest_sequence_) {
    ++(frame.sequence == newest_sequence_ ? counts_.duplicate : counts_.out_of_order);
    return Verdict::kNothing;
  }
  newest_sequence_ = frame.sequence;
  FromFrame(frame, observation_);
  observation_.link = counts_.links;
  observation_.received_ns = now;
  return Verdict::kObservation;
}

FrameSession::Verdict FrameSession::Hello(const estuary_frame& frame, const Peer& from,
                                          int64_t now) {
  if (frame.link == 0) return Refuse(frame, "a link's number is not 0", false);
  if (std::string mismatch = Mismatch(expected_, IdentityOf(frame)); !mismatch.empty()) {
    return Refuse(frame, std::move(mismatch), false);
  }
  const bool same_peer = counts_.links > 0 && from == peer_;
  if (!same_peer && connected(now)) {
    return Refuse(frame, "the robot is connected from elsewhere", true);
  }
  if (same_peer && frame.link == previous_number_) {
    ++counts_.foreign;
    return Verdict::kNothing;
  }
  // A hello again is a welcome that was lost.
  if (!same_peer || frame.link != link_number_) {
    ++counts_.links;
    previous_number_ = link_number_;
    link_number_ = frame.link;
    peer_ = from;
    newest_sequence_ = 0;
  }
  heard_ns_ = now;
  reply_ = {};
  reply_.kind = ESTUARY_WELCOME;
  reply_.link = frame.link;
  reply_.time_ns = static_cast<uint64_t>(now);
  const std::string bridge = expected_.robot + "/bridge";
  estuary_put_text(reinterpret_cast<uint8_t*>(reply_.name), bridge.c_str(), ESTUARY_FRAME_NAME);
  return Verdict::kWelcome;
}

FrameSession::Verdict FrameSession::Refuse(const estuary_frame& frame, std::string why,
                                           bool try_again) {
  ++counts_.refused;
  refusal_ = std::move(why);
  reply_ = {};
  reply_.kind = ESTUARY_REFUSAL;
  reply_.flags = try_again ? ESTUARY_TRY_AGAIN : 0;
  reply_.link = frame.link;
  estuary_put_text(reinterpret_cast<uint8_t*>(reply_.words), refusal_.c_str(), ESTUARY_FRAME_WORDS);
  return Verdict::kRefusal;
}

}  // namespace estuary::bridge
