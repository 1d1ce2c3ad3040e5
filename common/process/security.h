// How this process speaks to others, decided once at its start by flags that every process has:
//
//   --tls=DIR           every TCP port and connection uses mutual TLS (tls.h)
//   --insecure          plaintext also where other machines can reach it
//   --metrics_insecure  the same for /metrics alone
//
// Unix sockets are always plaintext: who may open them is the file system's to say. Without any of
// these flags plaintext is spoken on loopback and Unix sockets only; anything else is refused.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "common/process/tls.h"

namespace estuary::process {

struct Security {
  // Null: plaintext.
  std::shared_ptr<Tls> tls = nullptr;
  bool insecure = false;
  bool metrics_insecure = false;
};

// Opens the folder (empty: no TLS) and makes these this process's settings. Called by Main; the
// `estuary` command calls it for its own flags.
absl::Status UseSecurity(const std::string& tls_directory, bool insecure, bool metrics_insecure);

// What applies where a caller brings nothing of its own.
Security ProcessSecurity();

// INVALID_ARGUMENT, with the way out, where plaintext would be spoken to or at an address that
// other machines reach. `what` is for the error: "serve", "call".
absl::Status CheckPlaintext(const Security& security, const std::string& address,
                            const std::string& what);

// For flags that name a server: the same by this process's settings.
absl::Status CheckPeerAddress(const std::string& address);

}  // namespace estuary::process
