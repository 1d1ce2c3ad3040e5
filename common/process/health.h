// Whether a process is well, asked from beside it: what a container's health check runs, so that an
// image needs no other program for it (--health=ADDR of every process, see main.h).
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/process/security.h"

namespace estuary::process {

// OK where the process that listens at `address` says so within `patience`. "localhost:5001" or
// "unix:/path": its gRPC server serves; one that drains does not. "https://localhost:9100": it
// answers at its metrics port, for processes that serve nothing else. Over TLS it is asked with
// this process's own certificate, which may be of any role, and its certificate must name the host
// as it is called here. UNAVAILABLE says why not.
absl::Status CheckHealth(const std::string& address, absl::Duration patience,
                         const Security& security = ProcessSecurity());

}  // namespace estuary::process
