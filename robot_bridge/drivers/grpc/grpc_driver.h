// The robot over gRPC: serves RobotLink, to which the robot's computer connects.
//
// One robot, one connection: the same robot connecting anew replaces its old connection (which may
// be dead without anybody having noticed yet); another robot's name, task, sizes or period are
// refused.
//
// Threads: gRPC's own receive; a sender thread takes the newest command from the loop's outbox and
// starts its write. While one write is under way, newer commands replace each other.
#pragma once

#include <memory>

#include "robot_bridge/drivers/driver.h"
#include "robot_bridge/drivers/identity.h"
#include "robot_bridge/loop/realtime.h"
#include "robot_bridge/loop/wakeup.h"

namespace estuary::bridge {

class GrpcDriver : public Driver {
 public:
  // `wakeup` is the loop's. `sender` is what the sender thread asks of the system.
  GrpcDriver(const RobotIdentity& expected, Wakeup* wakeup, const RealtimeOptions& sender);
  ~GrpcDriver() override;

  const char* kind() const override { return "grpc"; }
  grpc::Service* service() override;
  bool Receive(Observation& observation) override;
  void Send(const Command& command) override;
  LinkStatus link() const override;
  void Stop() override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace estuary::bridge
