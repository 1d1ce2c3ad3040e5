// The robot's end of RobotLink over gRPC.
//
// Threads: SendObservation and NextCommand are for one control thread and are wait-free; a link
// thread connects, receives and connects again with a backoff; a sender thread writes.
#pragma once

#include <memory>
#include <string>

#include "robot_bridge/client/robot_link.h"
#include "robot_bridge/drivers/identity.h"
#include "robot_bridge/loop/realtime.h"

namespace estuary::bridge {

class GrpcClient : public RobotLink {
 public:
  struct Options {
    // unix:/path or host:port.
    std::string bridge;
    RobotIdentity identity;
    // What the link and sender threads ask of the system.
    RealtimeOptions realtime;
  };

  explicit GrpcClient(const Options& options);
  ~GrpcClient() override;

  void SendObservation(const Observation& observation) override;
  bool NextCommand(ReceivedCommand& command) override;
  bool connected() const override;
  std::string refused() const override;
  void Stop() override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace estuary::bridge
