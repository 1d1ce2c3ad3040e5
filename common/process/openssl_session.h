// One TLS connection by OpenSSL's own means, with mutual certificates: for what does not go through
// gRPC (metrics), and for asking a server why a connection fails, in words.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/process/tls_files.h"
#include "common/process/x509.h"

namespace estuary::process {

// Not thread-safe. Takes the socket over and closes it.
class OpenSslSession {
 public:
  // The whole of the session's handshake and traffic gets `patience`. The peer must have a
  // certificate of the same authorities.
  static absl::StatusOr<std::unique_ptr<OpenSslSession>> Accept(int fd, const TlsFiles& files,
                                                                absl::Duration patience);
  static absl::StatusOr<std::unique_ptr<OpenSslSession>> Connect(int fd, const TlsFiles& files,
                                                                 absl::Duration patience);
  ~OpenSslSession();

  // Empty: the peer has ended the connection in order.
  absl::StatusOr<std::string> Read();
  absl::Status Write(const std::string& data);
  // Ends the connection in order: everything written arrives before it closes.
  void End();

  const CertificateFacts& peer() const { return peer_; }
  const std::string& peer_pem() const { return peer_pem_; }

 private:
  struct Impl;
  explicit OpenSslSession(std::unique_ptr<Impl> impl);
  static absl::StatusOr<std::unique_ptr<OpenSslSession>> Open(int fd, const TlsFiles& files,
                                                              absl::Duration patience,
                                                              bool is_server);

  std::unique_ptr<Impl> impl_;
  CertificateFacts peer_;
  std::string peer_pem_;
};

}  // namespace estuary::process
