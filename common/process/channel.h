// Client channels: one place for message sizes, keepalive and credentials.
//
// Addresses: "unix:/path/to.sock", "127.0.0.1:5001", "replay-0:5001". A channel notices a dead peer
// within 20 s (HTTP/2 keepalive), so that a stream without a deadline cannot hang for ever.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/process/security.h"

namespace estuary::process {

// `server` is the role that the server's certificate must have, where there is TLS; absent: any
// that serves. `server_name` is the host that it must name, where the address was looked up from a
// name; empty: the address's own. Where plaintext is refused (security.h) every call on the channel
// fails, and a line in the log says why.
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address,
                                           std::optional<Role> server = std::nullopt,
                                           const Security& security = ProcessSecurity(),
                                           const std::string& server_name = "");

// Waits until the peer answers. While it waits, logs every 5 s for whom. UNAVAILABLE names `who`,
// the address, and how long was waited; CANCELLED on shutdown.
absl::Status WaitForPeer(grpc::Channel& channel, const std::string& who, const std::string& address,
                         absl::Duration timeout);

// Sets the deadline of a unary call.
void SetDeadline(grpc::ClientContext& context, absl::Duration timeout);

}  // namespace estuary::process
