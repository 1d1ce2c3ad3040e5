#include "common/process/openssl_session.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/process/status.h"

namespace estuary::process {
namespace {

std::string ToPem(X509* certificate) {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, certificate);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string pem(data, size);
  BIO_free(bio);
  return pem;
}

}  // namespace

struct OpenSslSession::Impl {
  int fd = -1;
  absl::Time deadline;
  SSL_CTX* context = nullptr;
  SSL* ssl = nullptr;

  ~Impl() {
    if (ssl != nullptr) SSL_free(ssl);
    if (context != nullptr) SSL_CTX_free(context);
    if (fd >= 0) close(fd);
  }

  absl::Status Prepare(const TlsFiles& files) {
    context = SSL_CTX_new(TLS_method());
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    ESTUARY_ASSIGN_OR_RETURN(const auto authorities,
                             ParseCertificates(files.ca_pem, files.directory + "/ca.pem"));
    for (const Certificate& authority : authorities) {
      X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get());
      SSL_CTX_add_client_CA(context, authority.get());
    }
    ESTUARY_ASSIGN_OR_RETURN(
        const auto chain, ParseCertificates(files.certificate_pem, files.directory + "/cert.pem"));
    ESTUARY_ASSIGN_OR_RETURN(const PrivateKey key,
                             ParsePrivateKey(files.key_pem, files.directory + "/key.pem"));
    SSL_CTX_use_certificate(context, chain[0].get());
    for (size_t i = 1; i < chain.size(); ++i) SSL_CTX_add1_chain_cert(context, chain[i].get());
    SSL_CTX_use_PrivateKey(context, key.get());
    ssl = SSL_new(context);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    SSL_set_fd(ssl, fd);
    return absl::OkStatus();
  }

  // Runs one of OpenSSL's calls until it is done; its result.
  template <class Call>
  absl::StatusOr<int> Run(const Call& call) {
    while (true) {
      ERR_clear_error();
      const int result = call();
      if (result > 0) return result;
      const int error = SSL_get_error(ssl, result);
      if (error == SSL_ERROR_ZERO_RETURN) return 0;
      if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) return Failure(error);
      pollfd wait{fd, static_cast<short>(error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT), 0};
      const absl::Duration left = deadline - absl::Now();
      if (left <= absl::ZeroDuration() ||
          poll(&wait, 1, static_cast<int>(absl::ToInt64Milliseconds(left)) + 1) == 0) {
        return absl::DeadlineExceededError("the peer does not go on with its TLS handshake");
      }
    }
  }

  absl::Status Failure(int error) {
    const long verified = SSL_get_verify_result(ssl);
    if (verified != X509_V_OK) {
      ERR_clear_error();
      return absl::PermissionDeniedError(X509_verify_cert_error_string(verified));
    }
    if (error == SSL_ERROR_SYSCALL && ERR_peek_error() == 0) {
      return absl::UnavailableError("the peer closed the connection");
    }
    return absl::UnauthenticatedError(OpenSslError());
  }
};

OpenSslSession::OpenSslSession(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
OpenSslSession::~OpenSslSession() = default;

absl::StatusOr<std::unique_ptr<OpenSslSession>> OpenSslSession::Open(int fd, const TlsFiles& files,
                                                                     absl::Duration patience,
                                                                     bool is_server) {
  auto impl = std::make_unique<Impl>();
  impl->fd = fd;
  impl->deadline = absl::Now() + patience;
  ESTUARY_RETURN_IF_ERROR(impl->Prepare(files));
  SSL* ssl = impl->ssl;
  // Without it a gRPC server ends the connection, whatever it thinks of the certificate.
  static constexpr unsigned char kHttp2[] = {2, 'h', '2'};
  if (!is_server) SSL_set_alpn_protos(ssl, kHttp2, sizeof(kHttp2));
  const absl::StatusOr<int> shaken =
      impl->Run([ssl, is_server] { return is_server ? SSL_accept(ssl) : SSL_connect(ssl); });
  if (!shaken.ok()) return shaken.status();
  X509* peer = *shaken > 0 ? SSL_get1_peer_certificate(ssl) : nullptr;
  if (peer == nullptr) return absl::UnavailableError("the peer closed the connection");
  std::unique_ptr<OpenSslSession> session(new OpenSslSession(std::move(impl)));
  const Certificate owned(peer);
  session->peer_ = Describe(*owned);
  session->peer_pem_ = ToPem(peer);
  return session;
}

absl::StatusOr<std::unique_ptr<OpenSslSession>> OpenSslSession::Accept(int fd,
                                                                       const TlsFiles& files,
                                                                       absl::Duration patience) {
  return Open(fd, files, patience, /*is_server=*/true);
}

absl::StatusOr<std::unique_ptr<OpenSslSession>> OpenSslSession::Connect(int fd,
                                                                        const TlsFiles& files,
                                                                        absl::Duration patience) {
  return Open(fd, files, patience, /*is_server=*/false);
}

absl::StatusOr<std::string> OpenSslSession::Read() {
  char buffer[4096];
  ESTUARY_ASSIGN_OR_RETURN(
      const int n, impl_->Run([&] { return SSL_read(impl_->ssl, buffer, sizeof(buffer)); }));
  return std::string(buffer, n);
}

absl::Status OpenSslSession::Write(const std::string& data) {
  size_t done = 0;
  while (done < data.size()) {
    ESTUARY_ASSIGN_OR_RETURN(const int n, impl_->Run([&] {
      return SSL_write(impl_->ssl, data.data() + done, static_cast<int>(data.size() - done));
    }));
    if (n == 0) return absl::UnavailableError("the peer closed the connection");
    done += n;
  }
  return absl::OkStatus();
}

void OpenSslSession::End() {
  SSL_shutdown(impl_->ssl);
  shutdown(impl_->fd, SHUT_WR);
  // To close with bytes unread would throw away what the peer has not read yet.
  while (true) {
    const absl::StatusOr<std::string> more = Read();
    if (!more.ok() || more->empty()) return;
  }
}

}  // namespace estuary::process
