// Why a server does not answer, in words. gRPC says of a failed handshake only that there is no
// connection; this tries the same once by other means and says which certificate, and what to do.
#pragma once

#include <optional>
#include <string>

#include "common/process/security.h"

namespace estuary::process {

// For the end of a sentence: "the replay shard at X: " + this. Takes a second at most.
std::string WhyNoAnswer(const std::string& address, std::optional<Role> server,
                        const Security& security = ProcessSecurity());

}  // namespace estuary::process
