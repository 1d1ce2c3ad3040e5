// A driver for robots that speak in frames, over any wire: udp and serial are this with their wire.
//
// Threads: a receiver (real-time, as the sender), which also answers hellos; a sender, which takes
// the newest command from the loop's outbox, so that of commands that wait the newest alone is
// sent.
#pragma once

#include <memory>
#include <string>

#include "robot_bridge/drivers/driver.h"
#include "robot_bridge/drivers/frame/wire.h"
#include "robot_bridge/drivers/identity.h"
#include "robot_bridge/loop/realtime.h"
#include "robot_bridge/loop/wakeup.h"

namespace estuary::bridge {

struct FrameDriverOptions {
  // "udp"; a literal.
  const char* kind = "";
  // Where the robot finds this, in the words of connect.h.
  std::string address;
  RobotIdentity expected;
  // What both threads ask of the system.
  RealtimeOptions realtime;
};

class FrameDriver : public Driver {
 public:
  // `wakeup` is the loop's.
  FrameDriver(const FrameDriverOptions& options, std::unique_ptr<Wire> wire, Wakeup* wakeup);
  ~FrameDriver() override;

  const char* kind() const override;
  std::string address() const override;
  bool Receive(Observation& observation) override;
  void Send(const Command& command) override;
  LinkStatus link() const override;
  void Stop() override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace estuary::bridge
