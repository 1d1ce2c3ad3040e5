// Mutual TLS of a process: its certificate, the authorities it trusts, and the credentials that
// gRPC gets of both.
//
// A thread looks at the folder once a second. New files are taken when all three fit together
// (tls_files.h); until then, and while a copy is half done, the last good ones stay in use. New
// connections shake hands with the new ones, standing connections go on: TLS asks for certificates
// at the beginning only. gRPC reads certificates from files again and again and would take a key
// without its certificate; so it is given not the folder but a file in memory that always holds one
// checked set, and is replaced as a whole.
//
// A server demands a certificate of its authorities from every client, and asks roles.h before each
// call. A client checks the server's name (among the alternative names: DNS or IP) and that its
// role is the one that was called for.
#pragma once

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/process/tls_files.h"

namespace estuary::process {

// What a client asks of a server's certificate beyond a good signature: the role (absent: any that
// serves) and the name it was called by (empty: the address's host). PERMISSION_DENIED names both
// sides.
absl::Status CheckServerCertificate(absl::string_view pem, const std::string& address,
                                    std::optional<Role> role, const std::string& name = "");

// Thread-safe. Channels and servers keep it alive.
class Tls : public std::enable_shared_from_this<Tls> {
 public:
  // FAILED_PRECONDITION and others as LoadTlsFiles. `look_every` is how soon new files are seen;
  // gRPC takes another second.
  static absl::StatusOr<std::shared_ptr<Tls>> Open(const std::string& directory,
                                                   absl::Duration look_every = absl::Seconds(1));
  ~Tls();

  // The set in use.
  std::shared_ptr<const TlsFiles> files() const;

  // For a channel to `address` (host:port) whose server must have the role; absent: any role that
  // serves. `name` as in CheckServerCertificate.
  std::shared_ptr<grpc::ChannelCredentials> ForClient(const std::string& address,
                                                      std::optional<Role> server,
                                                      const std::string& name = "");
  std::shared_ptr<grpc::ServerCredentials> ForServer();

 private:
  struct Impl;
  explicit Tls(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace estuary::process
