// A plain TCP connection, for what speaks to a port without gRPC.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace estuary::process {

// A connected, non-blocking socket to "host:port", which the caller closes. Tries each address that
// the name has for `patience`. UNAVAILABLE says, for the end of a sentence, that the name is not
// known or that nobody answers.
absl::StatusOr<int> Dial(const std::string& address, absl::Duration patience);

}  // namespace estuary::process
