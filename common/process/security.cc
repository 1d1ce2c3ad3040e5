#include "common/process/security.h"

#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "common/process/address.h"
#include "common/process/log.h"
#include "common/process/status.h"
#include "common/process/x509.h"

namespace estuary::process {
namespace {

struct Settings {
  absl::Mutex mutex;
  Security security ABSL_GUARDED_BY(mutex);
};

// Never destroyed: threads of gRPC's use it until the very end.
Settings& TheSettings() {
  static auto& settings = *new Settings();
  return settings;
}

}  // namespace

absl::Status UseSecurity(const std::string& tls_directory, bool insecure, bool metrics_insecure) {
  Security security{.insecure = insecure, .metrics_insecure = metrics_insecure};
  if (!tls_directory.empty()) {
    ESTUARY_ASSIGN_OR_RETURN(security.tls, Tls::Open(tls_directory));
    spdlog::info("TLS as {}, until {}", security.tls->files()->identity.Words(),
                 FormatUtc(security.tls->files()->not_after));
  } else if (insecure) {
    spdlog::warn(
        "--insecure: what this process says and hears, anybody on the network may read, "
        "and anybody may call it");
  }
  const absl::MutexLock lock(&TheSettings().mutex);
  TheSettings().security = std::move(security);
  return absl::OkStatus();
}

Security ProcessSecurity() {
  const absl::MutexLock lock(&TheSettings().mutex);
  return TheSettings().security;
}

absl::Status CheckPlaintext(const Security& security, const std::string& address,
                            const std::string& what) {
  if (security.tls != nullptr || security.insecure || IsLocal(address)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "refusing to ", what, " in plaintext at ", address,
      ", which other machines reach; give --tls=DIR with certificates (`estuary certs issue`), use "
      "a loopback or Unix-socket address, or say --insecure"));
}

absl::Status CheckPeerAddress(const std::string& address) {
  return CheckPlaintext(ProcessSecurity(), address, "call");
}

}  // namespace estuary::process
