// Why a server does not answer, in words. gRPC says of a failed handshake only that there is no
// connection; this tries the same once by other means and says which certificate, and what to do.
#pragma once

#include <optional>
#include <string>

#include "common/process/security.h"

namespace estuary::process {

// For the end of a sentence: "the replay shard at X: " + this. Takes a second at most. The
// arguments are MakeChannel's.
std::string WhyNoAnswer(const std::string& address, std::optional<Role> server,
                        const Security& security = ProcessSecurity(),
                        const std::string& server_name = "");

// A call's status with the reason added where nobody answered it (UNAVAILABLE, DEADLINE_EXCEEDED).
absl::Status ExplainCall(const absl::Status& status, const std::string& address, Role server,
                         const std::string& server_name = "");

}  // namespace estuary::process
