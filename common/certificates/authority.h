// A certificate authority for a lab: one folder with ca.pem (its certificate, and those of former
// authorities that are still trusted) and ca-key.pem (the newest one's key), from which
// certificates for Estuary's processes are issued. Elliptic keys (P-256), signed with SHA-256.
//
// Who has ca-key.pem can be anyone: keep the folder where processes do not run. Keys are written
// readable by their owner alone, and nothing that is there is overwritten unless the options say
// so.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/process/roles.h"

namespace estuary::certificates {

// Clocks of a lab differ: certificates count from a little before they are made.
inline constexpr absl::Duration kClockSlack = absl::Minutes(10);

struct AuthorityOptions {
  // "estuary" becomes the subject "CN=estuary authority 2026-11-23".
  std::string name = "estuary";
  absl::Duration validity = absl::Hours(24 * 365 * 5);
  absl::Time now = absl::Now();
};

struct IssueOptions {
  process::Identity identity = {};
  std::vector<std::string> dns = {};
  std::vector<std::string> ips = {};
  // Never beyond the authority's own end.
  absl::Duration validity = absl::Hours(24 * 365);
  absl::Time now = absl::Now();
  // Overwrite what is there.
  bool replace = false;
};

// Makes the folder with a new authority. ALREADY_EXISTS where it holds one.
absl::Status CreateAuthority(const std::string& folder, const AuthorityOptions& options);

// A new authority issues from now on; certificates of the former ones stay valid. To be given to
// every process (as ca.pem) before the first certificate of the new one is used.
absl::Status RotateAuthority(const std::string& folder, const AuthorityOptions& options);

// ca.pem holds the newest authority alone from now on: to be given to every process once all have
// certificates of it. Returns how many were dropped.
absl::StatusOr<int> RetireAuthorities(const std::string& folder);

// Writes ca.pem, cert.pem and key.pem into `output`, the key first. ALREADY_EXISTS without
// `replace`; INVALID_ARGUMENT for a name that cannot be; FAILED_PRECONDITION where the authority
// has expired.
absl::Status Issue(const std::string& authority, const std::string& output,
                   const IssueOptions& options);

}  // namespace estuary::certificates
