// Who a robot is, as it says in its handshake; the same over every wire.
#pragma once

#include <cstdint>
#include <string>

namespace estuary::bridge {

struct RobotIdentity {
  std::string robot;
  std::string task;
  uint32_t observation_dim = 0;
  uint32_t action_dim = 0;
  uint32_t control_period_us = 0;
};

// Why a bridge that expects one robot cannot drive another, in words; empty where it can.
std::string Mismatch(const RobotIdentity& expected, const RobotIdentity& robot);

}  // namespace estuary::bridge
