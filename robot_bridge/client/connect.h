// A link to a bridge by its address.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "robot_bridge/client/robot_link.h"
#include "robot_bridge/drivers/frame/wire.h"
#include "robot_bridge/drivers/identity.h"
#include "robot_bridge/loop/realtime.h"

namespace estuary::bridge {

struct ConnectOptions {
  // What the link's threads ask of the system.
  RealtimeOptions realtime;
  // Over gRPC to a bridge on another machine: the folder with ca.pem, cert.pem and key.pem of role
  // robot. It holds for the whole process. Empty: what the process has said before, else plaintext,
  // which other machines are spoken to in only where `insecure` says so.
  std::string tls;
  bool insecure = false;
  // Hears of the bridge that came and went, over udp and serial; gRPC logs by itself.
  Wire::Word word;
  // Puts something between the wire and the link (udp, serial), for tests.
  std::function<std::unique_ptr<Wire>(std::unique_ptr<Wire>)> wrap;
};

// "udp:host:port" or "serial:/dev/ttyACM0@921600" (without a speed: the least that does), by frames
// alone. Null and `error` where the address is none of these or cannot be had.
std::unique_ptr<RobotLink> ConnectFrames(const std::string& address, const RobotIdentity& identity,
                                         const ConnectOptions& options, std::string& error);

// The same, and "unix:/path" or "host:port" over gRPC; of the library robot_client.
std::unique_ptr<RobotLink> ConnectRobot(const std::string& address, const RobotIdentity& identity,
                                        const ConnectOptions& options, std::string& error);

}  // namespace estuary::bridge
