// gRPC's own words into this process's log.
#pragma once

namespace estuary::process {

// From now on its errors are lines of ours. A peer that fails its TLS handshake tries again several
// times a second: of those, one line in ten seconds says how many there were. Idempotent.
void RouteGrpcLog();

}  // namespace estuary::process
