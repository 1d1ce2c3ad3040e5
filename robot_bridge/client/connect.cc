#include "robot_bridge/client/connect.h"

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "common/process/security.h"
#include "robot_bridge/client/grpc_client.h"

namespace estuary::bridge {

std::unique_ptr<RobotLink> ConnectRobot(const std::string& address, const RobotIdentity& identity,
                                        const ConnectOptions& options, std::string& error) {
  if (absl::StartsWith(address, "udp:") || absl::StartsWith(address, "serial:")) {
    return ConnectFrames(address, identity, options, error);
  }
  absl::Status status;
  if (!options.tls.empty() || options.insecure) {
    status = process::UseSecurity(options.tls, options.insecure, /*metrics_insecure=*/false);
  }
  status.Update(process::CheckPeerAddress(address));
  if (!status.ok()) {
    error = std::string(status.message());
    return nullptr;
  }
  return std::make_unique<GrpcClient>(
      GrpcClient::Options{.bridge = address, .identity = identity, .realtime = options.realtime});
}

}  // namespace estuary::bridge
