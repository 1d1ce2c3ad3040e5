// The bridge's end of a frame link, without clock, wire or thread: who the robot is, which frames
// count, and what is answered.
//
// A link begins with a hello that fits. The robot's address is pinned by it: frames from elsewhere,
// or of another link's number, are strangers' and dropped. A new hello from the same address
// begins a new link; one from another address is put off until the robot has been silent for
// kSilent, so that nobody takes a live robot over. Of observations the newest counts: what comes
// twice or after a newer one is dropped.
#pragma once

#include <cstdint>
#include <string>

#include "robot_bridge/drivers/frame/estuary_frame.h"
#include "robot_bridge/drivers/frame/wire.h"
#include "robot_bridge/drivers/identity.h"
#include "robot_bridge/loop/clock.h"
#include "robot_bridge/loop/types.h"

namespace estuary::bridge {

class FrameSession {
 public:
  static constexpr int64_t kSilent = kSecond;

  struct Counts {
    uint64_t links = 0;
    uint64_t refused = 0;
    uint64_t duplicate = 0;
    uint64_t out_of_order = 0;
    uint64_t foreign = 0;
  };

  enum class Verdict {
    // Dropped and counted.
    kNothing,
    // observation() is for the loop.
    kObservation,
    // reply() is to be sent to whom the frame came from. A new link began where links rose.
    kWelcome,
    // reply() says why not, as does refusal().
    kRefusal,
  };

  explicit FrameSession(const RobotIdentity& expected) : expected_(expected) {}

  // A frame that came undamaged.
  Verdict Take(const estuary_frame& frame, const Peer& from, int64_t now);

  const Observation& observation() const { return observation_; }
  const estuary_frame& reply() const { return reply_; }
  const std::string& refusal() const { return refusal_; }

  // The robot was heard a moment ago.
  bool connected(int64_t now) const { return links() > 0 && now - heard_ns_ < kSilent; }
  uint64_t links() const { return counts_.links; }
  // The wire's number of the link, and the robot's address.
  uint32_t link_number() const { return link_number_; }
  const Peer& peer() const { return peer_; }
  const Counts& counts() const { return counts_; }

 private:
  Verdict Hello(const estuary_frame& frame, const Peer& from, int64_t now);
  Verdict Refuse(const estuary_frame& frame, std::string why, bool try_again);

  const RobotIdentity expected_;
  Counts counts_;
  uint32_t link_number_ = 0;
  // Of the link before: a hello of it that comes late changes nothing.
  uint32_t previous_number_ = 0;
  Peer peer_;
  int64_t heard_ns_ = 0;
  uint64_t newest_sequence_ = 0;
  Observation observation_;
  estuary_frame reply_{};
  std::string refusal_;
};

}  // namespace estuary::bridge
