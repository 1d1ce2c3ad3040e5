// The folder that --tls names, read and checked:
//
//   ca.pem    the authorities this process trusts, one certificate or several
//   cert.pem  its own certificate, and what lies between it and an authority
//   key.pem   its private key
//
// Everything that can be known to be wrong without a peer is found here, once, with the file and
// the way out in the error: gRPC would only say that a handshake failed, and on the other side.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/process/roles.h"

namespace estuary::process {

struct TlsFiles {
  std::string directory;
  std::string ca_pem = "";
  std::string certificate_pem = "";
  std::string key_pem = "";
  Identity identity = {};
  absl::Time not_after = {};
};

// Reads and checks them as of `now`. PERMISSION_DENIED for a file that may not be read, NOT_FOUND
// for one that is not there, INVALID_ARGUMENT for one that is not what it should be,
// FAILED_PRECONDITION for certificates out of their time, of another authority or of no role.
absl::StatusOr<TlsFiles> LoadTlsFiles(const std::string& directory, absl::Time now);

// Says so where users who are not the process's can read its key.
void WarnOfOpenKey(const TlsFiles& files);

// The caller whose certificate this is; a certificate without a role, or with two, has none.
Caller CallerWithUris(const std::vector<std::string>& uris);

}  // namespace estuary::process
