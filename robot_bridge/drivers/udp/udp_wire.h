// Frames in datagrams. IPv4 and IPv6; a host is a number ("192.168.1.7", "::1") or a name that is
// looked up once, at the start.
#pragma once

#include <memory>
#include <string>

#include "robot_bridge/drivers/frame/wire.h"

namespace estuary::bridge {

// "host:port", "[::1]:port"; port 0: any free one. Null and `error` where it cannot be had.
// `bound`: where it listens, with the port that was picked.
std::unique_ptr<Wire> ListenUdp(const std::string& address, std::string& bound, std::string& error);

// Sends to one address and hears nobody else.
std::unique_ptr<Wire> ConnectUdp(const std::string& address, std::string& error);

// Whether only this machine can reach the address: what it binds to is loopback. False where it
// cannot be looked up.
bool IsLoopbackUdp(const std::string& address);

}  // namespace estuary::bridge
