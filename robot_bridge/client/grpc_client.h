// The robot's end of RobotLink: a small library for a robot's computer. It keeps one connection to
// the bridge, sends observations and hands out commands with the time of their arrival; with
// watchdog.h it is what a robot needs.
//
// Threads: SendObservation and NextCommand are for one control thread and are wait-free; a link
// thread connects, receives and connects again with a backoff; a sender thread writes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "robot_bridge/drivers/grpc/grpc_driver.h"

namespace estuary::bridge {

struct ReceivedCommand {
  Command command;
  int64_t arrival_ns = 0;
};

class RobotClient {
 public:
  struct Options {
    std::string bridge;
    RobotIdentity identity;
    // What the link and sender threads ask of the system.
    RealtimeOptions realtime;
  };

  explicit RobotClient(const Options& options);
  ~RobotClient();

  // Dropped where no bridge is connected.
  void SendObservation(const Observation& observation);
  // In the order of arrival; false where there is none now.
  bool NextCommand(ReceivedCommand& command);

  bool connected() const;
  // Not OK once the bridge refused this robot; trying again would not help.
  absl::Status status() const;

  void Stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace estuary::bridge
