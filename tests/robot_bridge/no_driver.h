// A driver of no robot, for parts that only ask it how it is.
#pragma once

#include "robot_bridge/drivers/driver.h"

namespace estuary::bridge {

class NoDriver : public Driver {
 public:
  bool Receive(Observation&) override { return false; }
  void Send(const Command&) override {}
  LinkStatus link() const override { return {.connected = true, .links = 1}; }
  void Stop() override {}
  const char* kind() const { return "none"; }
};

}  // namespace estuary::bridge
