// A driver carries the loop's observations and commands to and from one kind of robot connection.
// The loop sees it as RobotIo; adding a robot is one folder here with one Driver in it.
//
// A driver copies each observation as it came (it checks what its connection's handshake promised,
// not the numbers), stamps its arrival, gives each connection a new link number, and signals the
// loop's Wakeup. Its own threads do all that waits.
#pragma once

#include <cstdint>

#include "robot_bridge/loop/robot_io.h"

namespace estuary::bridge {

class Driver : public RobotIo {
 public:
  struct LinkStatus {
    bool connected = false;
    // Connections so far.
    uint64_t links = 0;
    // Observations that found the queue to the loop full.
    uint64_t overflowed = 0;
    // Handshakes refused.
    uint64_t refused = 0;
  };

  // Any thread.
  virtual LinkStatus link() const = 0;

  // Ends the connection and every thread. Idempotent.
  virtual void Stop() = 0;
};

}  // namespace estuary::bridge
