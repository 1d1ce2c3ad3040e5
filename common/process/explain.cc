#include "common/process/explain.h"

#include <unistd.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/process/address.h"
#include "common/process/dial.h"
#include "common/process/openssl_session.h"
#include "common/process/status.h"

namespace estuary::process {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(1);
constexpr char kSilence[] = "it does not answer; is it running there?";

std::string ExplainHandshake(const absl::Status& status, const TlsFiles& files) {
  const std::string why(status.message());
  if (absl::IsPermissionDenied(status)) {
    return absl::StrCat("its certificate is refused by '", files.directory, "/ca.pem': ", why,
                        "; both sides need certificates of the same `estuary certs init`, in their "
                        "time");
  }
  if (absl::StrContains(why, "wrong version number") ||
      absl::StrContains(why, "packet length too long") ||
      absl::StrContains(why, "record layer failure")) {
    return "it does not speak TLS; start it with --tls, too";
  }
  if (absl::StrContains(why, "alert")) {
    return absl::StrCat("it refuses the certificate '", files.directory, "/cert.pem': ", why,
                        "; both sides need certificates of the same `estuary certs init`, in their "
                        "time");
  }
  return absl::StrCat("the TLS handshake fails: ", why, "; does the server have --tls?");
}

}  // namespace

std::string WhyNoAnswer(const std::string& address, std::optional<Role> server,
                        const Security& security, const std::string& server_name) {
  if (IsUnixSocket(address)) return kSilence;
  if (const absl::Status allowed = CheckPlaintext(security, address, "call"); !allowed.ok()) {
    return std::string(allowed.message());
  }
  const absl::StatusOr<int> fd = Dial(address, kPatience);
  if (!fd.ok()) return std::string(fd.status().message());
  if (security.tls == nullptr) {
    close(*fd);
    return "something listens there and does not answer in plaintext; does it want --tls?";
  }
  const auto files = security.tls->files();
  const auto session = OpenSslSession::Connect(*fd, *files, kPatience);
  if (!session.ok()) return ExplainHandshake(session.status(), *files);
  const absl::Status fits =
      CheckServerCertificate((*session)->peer_pem(), address, server, server_name);
  if (!fits.ok()) return std::string(fits.message());
  // In TLS 1.3 the server's opinion of a client's certificate comes after the handshake.
  const absl::StatusOr<std::string> first = (*session)->Read();
  if (!first.ok() && !absl::IsDeadlineExceeded(first.status())) {
    const absl::StatusOr<TlsFiles> own = LoadTlsFiles(files->directory, absl::Now());
    return absl::StrCat("it refuses the certificate '", files->directory, "/cert.pem'",
                        own.ok() ? absl::StrCat(" (", files->identity.Words(),
                                                "); does it trust the authority of that "
                                                "certificate, and is its clock right?")
                                 : absl::StrCat(": ", own.status().message()));
  }
  return "it listens, with a good certificate, and is slow to answer";
}

absl::Status ExplainCall(const absl::Status& status, const std::string& address, Role server,
                         const std::string& server_name) {
  if (!absl::IsUnavailable(status) && !absl::IsDeadlineExceeded(status)) return status;
  return absl::Status(status.code(),
                      absl::StrCat(WhyNoAnswer(address, server, ProcessSecurity(), server_name),
                                   " (", status.message(), ")"));
}

}  // namespace estuary::process
