// A driver carries the loop's observations and commands to and from one kind of robot connection.
// The loop sees it as RobotIo; adding a robot is one folder here with one Driver in it, a line in
// drivers.cc, and a page under docs/drivers.
//
// A driver copies each observation as it came (it checks what its connection's handshake promised,
// not the numbers), stamps its arrival, gives each connection a new link number, and signals the
// loop's Wakeup. Its own threads do all that waits.
#pragma once

#include <cstdint>
#include <string>

#include "robot_bridge/loop/robot_io.h"

namespace grpc {
class Service;
}

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
    // What came damaged, twice, after a newer one, or from a stranger; none of it reached the loop.
    uint64_t corrupt = 0;
    uint64_t duplicate = 0;
    uint64_t out_of_order = 0;
    uint64_t foreign = 0;
  };

  // "grpc", "udp".
  virtual const char* kind() const = 0;

  // Where a robot connects, in the words of connect.h; empty where the bridge's own server says so.
  virtual std::string address() const { return ""; }

  // To be registered with the bridge's server, which must end before the driver does; null where
  // the robot connects otherwise.
  virtual grpc::Service* service() { return nullptr; }

  // Any thread.
  virtual LinkStatus link() const = 0;

  // Ends the connection and every thread. Idempotent.
  virtual void Stop() = 0;
};

}  // namespace estuary::bridge
