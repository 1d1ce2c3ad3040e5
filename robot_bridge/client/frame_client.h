// The robot's end of a link in frames, over any wire (udp, serial): estuary_robot.h with threads.
// Needs nothing but the C++ library and Linux.
//
// Threads: the control thread sends by itself (a datagram or a write of some 60 bytes, which does
// not wait); a link thread receives and calls the bridge while there is none.
#pragma once

#include <memory>
#include <string>

#include "robot_bridge/client/robot_link.h"
#include "robot_bridge/drivers/frame/wire.h"
#include "robot_bridge/drivers/identity.h"
#include "robot_bridge/loop/realtime.h"

namespace estuary::bridge {

class FrameClient : public RobotLink {
 public:
  struct Options {
    RobotIdentity identity;
    // What the link thread asks of the system.
    RealtimeOptions realtime;
    // Hears of the bridge that came and went; may be null. Called from the link thread.
    Wire::Word word;
  };

  // The identity's names have at most ESTUARY_FRAME_NAME characters: longer ones are cut.
  FrameClient(const Options& options, std::unique_ptr<Wire> wire);
  ~FrameClient() override;

  void SendObservation(const Observation& observation) override;
  bool NextCommand(ReceivedCommand& command) override;
  bool connected() const override;
  std::string refused() const override;
  void Stop() override;

  // Frames that came damaged.
  uint64_t corrupt() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace estuary::bridge
