#include <string>

#include "absl/strings/str_cat.h"
#include "common/policy/check.h"
#include "common/policy/policy.h"
#include "common/process/files.h"
#include "common/process/status.h"

namespace estuary::policy {

void SealPolicyVersion(v1::PolicyVersion& version) {
  version.clear_sha256();
  version.set_sha256(HashPolicyVersion(version));
}

absl::StatusOr<v1::PolicyVersion> ReadPolicyFile(const std::string& path) {
  ESTUARY_ASSIGN_OR_RETURN(const std::string content, process::ReadFile(path));
  v1::PolicyVersion version;
  if (!version.ParseFromString(content)) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", path, "' (", content.size(), " bytes) is not a policy file"));
  }
  if (absl::Status status = CheckPolicyVersion(version); !status.ok()) {
    return process::Annotate(status, absl::StrCat("'", path, "'"));
  }
  return version;
}

absl::Status WritePolicyFile(const std::string& path, const v1::PolicyVersion& version) {
  if (absl::Status status = CheckPolicyVersion(version); !status.ok()) {
    return process::Annotate(status, absl::StrCat("not written to '", path, "'"));
  }
  return process::WriteFileAtomically(path, version.SerializeAsString());
}

}  // namespace estuary::policy
