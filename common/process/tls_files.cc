#include "common/process/tls_files.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <sys/stat.h>

#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/process/files.h"
#include "common/process/log.h"
#include "common/process/status.h"
#include "common/process/x509.h"

namespace estuary::process {
namespace {

constexpr char kUriScheme[] = "estuary://";

absl::StatusOr<std::string> Read(const std::string& path) {
  absl::StatusOr<std::string> content = ReadFile(path);
  if (content.ok()) return content;
  const char* hint =
      absl::IsPermissionDenied(content.status())
          ? "; the user that runs this process must own it (chown), with mode 0600 for a key"
          : "; --tls names a folder with ca.pem, cert.pem and key.pem, which `estuary certs issue` "
            "makes";
  return absl::Status(content.status().code(), absl::StrCat(content.status().message(), hint));
}

absl::Status CheckTimes(const std::string& path, const CertificateFacts& facts, absl::Time now) {
  if (now < facts.not_before) {
    return absl::FailedPreconditionError(absl::StrCat(
        "'", path, "' (", facts.subject, ") is not valid before ", FormatUtc(facts.not_before),
        ", and it is ", FormatUtc(now), "; set this machine's clock, or issue it anew"));
  }
  if (now > facts.not_after) {
    return absl::FailedPreconditionError(
        absl::StrCat("'", path, "' (", facts.subject, ") expired at ", FormatUtc(facts.not_after),
                     ", and it is ", FormatUtc(now), "; make a new one with `estuary certs ",
                     facts.is_authority ? "init --rotate`" : "issue --replace`"));
  }
  return absl::OkStatus();
}

absl::Status CheckChain(const std::string& ca_path, const std::vector<Certificate>& authorities,
                        const std::string& path, const std::vector<Certificate>& chain,
                        absl::Time now) {
  const std::unique_ptr<X509_STORE, void (*)(X509_STORE*)> store(X509_STORE_new(),
                                                                 &X509_STORE_free);
  std::vector<std::string> trusted;
  for (const Certificate& authority : authorities) {
    X509_STORE_add_cert(store.get(), authority.get());
    trusted.push_back(Describe(*authority).subject);
  }
  const std::unique_ptr<STACK_OF(X509), void (*)(STACK_OF(X509)*)> between(
      sk_X509_new_null(), [](STACK_OF(X509) * stack) { sk_X509_free(stack); });
  for (size_t i = 1; i < chain.size(); ++i) sk_X509_push(between.get(), chain[i].get());
  const std::unique_ptr<X509_STORE_CTX, void (*)(X509_STORE_CTX*)> context(X509_STORE_CTX_new(),
                                                                           &X509_STORE_CTX_free);
  X509_STORE_CTX_init(context.get(), store.get(), chain[0].get(), between.get());
  X509_STORE_CTX_set_time(context.get(), 0, absl::ToTimeT(now));
  const int verified = X509_verify_cert(context.get());
  const int error = X509_STORE_CTX_get_error(context.get());
  ERR_clear_error();
  if (verified == 1) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "'", path, "' was issued by '", Describe(*chain[0]).issuer, "', which '", ca_path, "' (",
      absl::StrJoin(trusted, "; "), ") does not vouch for: ", X509_verify_cert_error_string(error),
      "; take all three files from one `estuary certs issue`"));
}

}  // namespace

void WarnOfOpenKey(const TlsFiles& files) {
  const std::string path = absl::StrCat(files.directory, "/key.pem");
  struct stat info {};
  if (stat(path.c_str(), &info) == 0 && (info.st_mode & S_IRWXO) != 0) {
    spdlog::warn("every user of this machine can read the private key '{}'; chmod 600 it", path);
  }
}

Caller CallerWithUris(const std::vector<std::string>& uris) {
  Caller caller;
  for (const std::string& uri : uris) {
    if (!absl::StartsWith(uri, kUriScheme)) continue;
    const absl::StatusOr<Identity> identity = ParseIdentity(uri);
    if (!identity.ok() || caller.identity) return {};
    caller.identity = *identity;
  }
  return caller;
}

absl::StatusOr<TlsFiles> LoadTlsFiles(const std::string& directory, absl::Time now) {
  TlsFiles files{.directory = directory};
  const std::string ca_path = absl::StrCat(directory, "/ca.pem");
  const std::string path = absl::StrCat(directory, "/cert.pem");
  const std::string key_path = absl::StrCat(directory, "/key.pem");
  ESTUARY_ASSIGN_OR_RETURN(files.ca_pem, Read(ca_path));
  ESTUARY_ASSIGN_OR_RETURN(files.certificate_pem, Read(path));
  ESTUARY_ASSIGN_OR_RETURN(files.key_pem, Read(key_path));
  ESTUARY_ASSIGN_OR_RETURN(const auto authorities, ParseCertificates(files.ca_pem, ca_path));
  ESTUARY_ASSIGN_OR_RETURN(const auto chain, ParseCertificates(files.certificate_pem, path));
  ESTUARY_ASSIGN_OR_RETURN(const PrivateKey key, ParsePrivateKey(files.key_pem, key_path));
  if (X509_check_private_key(chain[0].get(), key.get()) != 1) {
    ERR_clear_error();
    return absl::InvalidArgumentError(absl::StrCat("'", key_path, "' is not the key of '", path,
                                                   "' (", Describe(*chain[0]).subject,
                                                   "); take both from one `estuary certs issue`"));
  }
  const CertificateFacts facts = Describe(*chain[0]);
  ESTUARY_RETURN_IF_ERROR(CheckTimes(path, facts, now));
  // Authorities of other times may stand in the bundle; none of this time is an error of its own.
  absl::Status authority_in_time;
  for (const Certificate& authority : authorities) {
    authority_in_time = CheckTimes(ca_path, Describe(*authority), now);
    if (authority_in_time.ok()) break;
  }
  ESTUARY_RETURN_IF_ERROR(authority_in_time);
  ESTUARY_RETURN_IF_ERROR(CheckChain(ca_path, authorities, path, chain, now));
  const Caller holder = CallerWithUris(facts.uris);
  if (!holder.identity) {
    return absl::FailedPreconditionError(
        absl::StrCat("'", path, "' (", facts.subject,
                     ") names no role: among its alternative names must be one "
                     "URI as estuary://robot/wl-01, and there are [",
                     absl::StrJoin(facts.uris, ", "),
                     "]; `estuary certs issue --role=...` makes such certificates"));
  }
  files.identity = *holder.identity;
  files.not_after = facts.not_after;
  return files;
}

}  // namespace estuary::process
