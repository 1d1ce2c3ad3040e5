// A gRPC server's life: listen, serve with health and reflection, drain. Over TLS every call, also
// for health and reflection, needs a certificate whose role may make it (roles.h).
#pragma once

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/process/security.h"

namespace estuary::process {

class Server {
 public:
  struct Options {
    // "127.0.0.1:5001" (port 0: any free one), "unix:/run/estuary.sock". Unix sockets are served in
    // plaintext, ports as security.h says.
    std::vector<std::string> addresses;
    Security security = ProcessSecurity();
  };

  // Listens at every address. UNAVAILABLE names the address that is in use or cannot be had.
  // Services must outlive the server.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const Options& options,
                                                       const std::vector<grpc::Service*>& services);
  ~Server();

  // Where it listens, with the port that was picked.
  const std::vector<std::string>& addresses() const { return addresses_; }

  // Health turns to NOT_SERVING, no new calls, running calls get `grace`, then are cancelled.
  // Idempotent.
  void Drain(absl::Duration grace);

 private:
  Server() = default;

  std::unique_ptr<grpc::Server> server_;
  std::vector<std::string> addresses_;
};

}  // namespace estuary::process
