// All certificates of a cluster at once, for what starts it unattended: a folder with the authority
// and one folder a process, each fit for --tls.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/process/roles.h"

namespace estuary::certificates {

// One process's certificate.
struct LabMember {
  process::Identity identity;
  // Names and addresses it is called by, as a server.
  std::vector<std::string> dns = {};
  std::vector<std::string> ips = {};
};

// "ROLE[:NAME][=HOST,HOST...]", as "replay:replay-0=replay-0,10.0.0.11"; without NAME the role is
// the name. INVALID_ARGUMENT says which part is wrong.
absl::StatusOr<LabMember> ParseLabMember(const std::string& text);

struct LabOptions {
  // Holds authority/ and one folder a member, by its name.
  std::string folder;
  // Of the authority.
  std::string name = "estuary";
  absl::Duration validity = absl::Hours(24 * 365);
  // A certificate that ends sooner is issued anew.
  absl::Duration renew_before = absl::Hours(24 * 30);
  absl::Time now = absl::Now();
};

// Makes the authority where there is none, and every certificate that is missing, ends soon, is of
// another authority or role, or lacks a name. The rest stays as it is. Returns the names of those
// that were issued.
absl::StatusOr<std::vector<std::string>> IssueLab(const LabOptions& options,
                                                  const std::vector<LabMember>& members);

}  // namespace estuary::certificates
