// Addresses as flags give them: "unix:/path/to.sock", "127.0.0.1:5001", "replay-0:5001".
#pragma once

#include <string>

namespace estuary::process {

// The part that names a machine, without brackets and port; empty for a Unix socket.
std::string HostOf(const std::string& address);

bool IsUnixSocket(const std::string& address);

// Nobody on another machine can reach it: a Unix socket, or loopback.
bool IsLocal(const std::string& address);

}  // namespace estuary::process
