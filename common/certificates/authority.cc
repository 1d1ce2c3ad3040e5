#include "common/certificates/authority.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <system_error>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/process/files.h"
#include "common/process/status.h"
#include "common/process/x509.h"

namespace estuary::certificates {
namespace {

using process::Certificate;
using process::PrivateKey;
using Bio = std::unique_ptr<BIO, int (*)(BIO*)>;

constexpr int kVersion3 = 2;

absl::Status Failed(const std::string& what) {
  return absl::InternalError(absl::StrCat("cannot ", what, ": ", process::OpenSslError()));
}

bool Exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

std::string Content(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, size);
}

std::string ToPem(X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()), &BIO_free);
  PEM_write_bio_X509(bio.get(), certificate);
  return Content(bio.get());
}

std::string ToPem(EVP_PKEY* key) {
  const Bio bio(BIO_new(BIO_s_mem()), &BIO_free);
  PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return Content(bio.get());
}

// Beside, and renamed: the mode is right from the file's first byte on.
absl::Status WriteKey(const std::string& path, const std::string& pem) {
  const std::string temporary = absl::StrCat(path, ".tmp", getpid());
  unlink(temporary.c_str());
  const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) {
    return process::ErrnoStatus(errno, absl::StrCat("cannot create '", temporary, "'"));
  }
  const bool written = write(fd, pem.data(), pem.size()) == static_cast<ssize_t>(pem.size()) &&
                       fsync(fd) == 0 && rename(temporary.c_str(), path.c_str()) == 0;
  const int error = errno;
  close(fd);
  if (written) return absl::OkStatus();
  unlink(temporary.c_str());
  return process::ErrnoStatus(error, absl::StrCat("cannot write '", path, "'"));
}

absl::Status AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  if (extension == nullptr) return Failed(absl::StrCat("write '", value, "' into a certificate"));
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
  return absl::OkStatus();
}

absl::Status SetTimes(X509* certificate, absl::Time from, absl::Time to) {
  if (ASN1_TIME_set(X509_getm_notBefore(certificate), absl::ToTimeT(from)) == nullptr ||
      ASN1_TIME_set(X509_getm_notAfter(certificate), absl::ToTimeT(to)) == nullptr) {
    return Failed("write a certificate's times");
  }
  return absl::OkStatus();
}

// Version, a random serial number, subject and public key.
absl::StatusOr<Certificate> Begin(const std::string& common_name, EVP_PKEY* key) {
  Certificate certificate(X509_new());
  X509_set_version(certificate.get(), kVersion3);
  unsigned char bytes[16];
  if (RAND_bytes(bytes, sizeof(bytes)) != 1) return Failed("draw a serial number");
  bytes[0] &= 0x7f;
  BIGNUM* number = BN_bin2bn(bytes, sizeof(bytes), nullptr);
  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate.get()));
  BN_free(number);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1,
                             0);
  if (X509_set_pubkey(certificate.get(), key) != 1) return Failed("write a public key");
  return certificate;
}

struct Authority {
  Certificate certificate;
  PrivateKey key;
  // ca.pem as it is.
  std::string bundle;
};

absl::StatusOr<Authority> Load(const std::string& folder) {
  const std::string ca_path = absl::StrCat(folder, "/ca.pem");
  const std::string key_path = absl::StrCat(folder, "/ca-key.pem");
  Authority authority;
  absl::StatusOr<std::string> bundle = process::ReadFile(ca_path);
  if (!bundle.ok()) {
    return absl::Status(
        bundle.status().code(),
        absl::StrCat(bundle.status().message(), "; `estuary certs init` makes an authority"));
  }
  authority.bundle = *std::move(bundle);
  ESTUARY_ASSIGN_OR_RETURN(auto certificates,
                           process::ParseCertificates(authority.bundle, ca_path));
  ESTUARY_ASSIGN_OR_RETURN(const std::string key_pem, process::ReadFile(key_path));
  ESTUARY_ASSIGN_OR_RETURN(authority.key, process::ParsePrivateKey(key_pem, key_path));
  authority.certificate = std::move(certificates[0]);
  if (X509_check_private_key(authority.certificate.get(), authority.key.get()) != 1) {
    process::OpenSslError();
    return absl::InvalidArgumentError(absl::StrCat(
        "'", key_path, "' is not the key of the first certificate in '", ca_path, "'"));
  }
  return authority;
}

absl::StatusOr<Authority> Make(const AuthorityOptions& options) {
  Authority authority;
  authority.key.reset(EVP_EC_gen("P-256"));
  if (authority.key == nullptr) return Failed("make a key");
  const std::string name = absl::StrCat(
      options.name, " authority ", absl::FormatTime("%Y-%m-%d", options.now, absl::UTCTimeZone()));
  ESTUARY_ASSIGN_OR_RETURN(authority.certificate, Begin(name, authority.key.get()));
  X509* certificate = authority.certificate.get();
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  ESTUARY_RETURN_IF_ERROR(
      SetTimes(certificate, options.now - kClockSlack, options.now + options.validity));
  // It signs processes' certificates, not other authorities'.
  ESTUARY_RETURN_IF_ERROR(
      AddExtension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE,pathlen:0"));
  ESTUARY_RETURN_IF_ERROR(
      AddExtension(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign"));
  ESTUARY_RETURN_IF_ERROR(
      AddExtension(certificate, certificate, NID_subject_key_identifier, "hash"));
  if (X509_sign(certificate, authority.key.get(), EVP_sha256()) == 0) {
    return Failed("sign the authority's certificate");
  }
  authority.bundle = ToPem(certificate);
  return authority;
}

absl::Status CheckHost(const std::string& name) {
  // "*.replay" is a name, too; anything that the extension's syntax would read otherwise is not.
  const bool fine =
      !name.empty() && name.size() <= 253 && std::all_of(name.begin(), name.end(), [](char c) {
        return absl::ascii_isalnum(c) || c == '.' || c == '-' || c == '_' || c == '*';
      });
  if (fine) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("'", name, "' is no DNS name"));
}

absl::StatusOr<std::string> AlternativeNames(const IssueOptions& options) {
  std::vector<std::string> names = {absl::StrCat("URI:", options.identity.Uri())};
  for (const std::string& dns : options.dns) {
    ESTUARY_RETURN_IF_ERROR(CheckHost(dns));
    names.push_back(absl::StrCat("DNS:", dns));
  }
  for (const std::string& ip : options.ips) {
    unsigned char address[sizeof(in6_addr)];
    if (inet_pton(AF_INET, ip.c_str(), address) != 1 &&
        inet_pton(AF_INET6, ip.c_str(), address) != 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", ip, "' is no IP address; a name goes into --dns"));
    }
    names.push_back(absl::StrCat("IP:", ip));
  }
  return absl::StrJoin(names, ",");
}

absl::StatusOr<std::string> Sign(const Authority& authority, EVP_PKEY* key,
                                 const IssueOptions& options) {
  ESTUARY_ASSIGN_OR_RETURN(const std::string names, AlternativeNames(options));
  ESTUARY_ASSIGN_OR_RETURN(
      const Certificate certificate,
      Begin(absl::StrCat(process::RoleName(options.identity.role), " ", options.identity.name),
            key));
  X509* issuer = authority.certificate.get();
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer));
  const absl::Time end =
      std::min(options.now + options.validity, process::Describe(*issuer).not_after);
  ESTUARY_RETURN_IF_ERROR(SetTimes(certificate.get(), options.now - kClockSlack, end));
  const auto add = [&](int nid, const std::string& value) {
    return AddExtension(certificate.get(), issuer, nid, value);
  };
  ESTUARY_RETURN_IF_ERROR(add(NID_basic_constraints, "critical,CA:FALSE"));
  ESTUARY_RETURN_IF_ERROR(add(NID_key_usage, "critical,digitalSignature"));
  // Every process calls, and serves at least its metrics.
  ESTUARY_RETURN_IF_ERROR(add(NID_ext_key_usage, "serverAuth,clientAuth"));
  ESTUARY_RETURN_IF_ERROR(add(NID_authority_key_identifier, "keyid:always"));
  ESTUARY_RETURN_IF_ERROR(add(NID_subject_alt_name, names));
  if (X509_sign(certificate.get(), authority.key.get(), EVP_sha256()) == 0) {
    return Failed("sign a certificate");
  }
  return ToPem(certificate.get());
}

absl::Status Save(const std::string& folder, const Authority& authority) {
  ESTUARY_RETURN_IF_ERROR(process::CreateDirectories(folder));
  ESTUARY_RETURN_IF_ERROR(WriteKey(folder + "/ca-key.pem", ToPem(authority.key.get())));
  return process::WriteFileAtomically(folder + "/ca.pem", authority.bundle);
}

}  // namespace

absl::Status CreateAuthority(const std::string& folder, const AuthorityOptions& options) {
  for (const char* file : {"/ca.pem", "/ca-key.pem"}) {
    if (Exists(folder + file)) {
      return absl::AlreadyExistsError(absl::StrCat(
          "'", folder, file, "' is there already; --rotate makes a new authority that ",
          "takes over from it, another --output a second one"));
    }
  }
  ESTUARY_RETURN_IF_ERROR(process::CheckIdentityName(options.name));
  ESTUARY_ASSIGN_OR_RETURN(const Authority authority, Make(options));
  return Save(folder, authority);
}

absl::Status RotateAuthority(const std::string& folder, const AuthorityOptions& options) {
  ESTUARY_RETURN_IF_ERROR(process::CheckIdentityName(options.name));
  ESTUARY_ASSIGN_OR_RETURN(const Authority former, Load(folder));
  ESTUARY_ASSIGN_OR_RETURN(Authority authority, Make(options));
  absl::StrAppend(&authority.bundle, former.bundle);
  return Save(folder, authority);
}

absl::StatusOr<int> RetireAuthorities(const std::string& folder) {
  ESTUARY_ASSIGN_OR_RETURN(const Authority authority, Load(folder));
  ESTUARY_ASSIGN_OR_RETURN(const auto all,
                           process::ParseCertificates(authority.bundle, folder + "/ca.pem"));
  ESTUARY_RETURN_IF_ERROR(
      process::WriteFileAtomically(folder + "/ca.pem", ToPem(authority.certificate.get())));
  return static_cast<int>(all.size()) - 1;
}

absl::Status Issue(const std::string& authority_folder, const std::string& output,
                   const IssueOptions& options) {
  ESTUARY_RETURN_IF_ERROR(process::CheckIdentityName(options.identity.name));
  for (const char* file : {"/cert.pem", "/key.pem"}) {
    if (!options.replace && Exists(output + file)) {
      return absl::AlreadyExistsError(
          absl::StrCat("'", output, file, "' is there already; --replace overwrites it"));
    }
  }
  ESTUARY_ASSIGN_OR_RETURN(const Authority authority, Load(authority_folder));
  const process::CertificateFacts facts = process::Describe(*authority.certificate);
  if (options.now > facts.not_after) {
    return absl::FailedPreconditionError(
        absl::StrCat("the authority in '", authority_folder, "' expired at ",
                     process::FormatUtc(facts.not_after), "; `estuary certs init --rotate` makes ",
                     "the next one"));
  }
  const PrivateKey key(EVP_EC_gen("P-256"));
  if (key == nullptr) return Failed("make a key");
  ESTUARY_ASSIGN_OR_RETURN(const std::string certificate, Sign(authority, key.get(), options));
  ESTUARY_RETURN_IF_ERROR(process::CreateDirectories(output));
  ESTUARY_RETURN_IF_ERROR(WriteKey(output + "/key.pem", ToPem(key.get())));
  ESTUARY_RETURN_IF_ERROR(process::WriteFileAtomically(output + "/cert.pem", certificate));
  return process::WriteFileAtomically(output + "/ca.pem", authority.bundle);
}

}  // namespace estuary::certificates
