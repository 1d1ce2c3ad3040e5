// What a process tells systemd (or another manager that speaks its protocol): that it is ready,
// that it is alive, that it ends. One datagram to the socket that NOTIFY_SOCKET names, so no
// library is needed; without that variable nothing happens.
#pragma once

#include <string>

#include "absl/time/time.h"

namespace estuary::process {

// `state` as sd_notify(3) has it: "READY=1", "STATUS=...", "WATCHDOG=1", "STOPPING=1". False where
// nobody listens, or it could not be told; never waits.
bool TellServiceManager(const std::string& state);

// How often this process must say "WATCHDOG=1", halved so that one late word is not yet its end;
// InfiniteDuration where nobody watches.
absl::Duration WatchdogInterval();

}  // namespace estuary::process
