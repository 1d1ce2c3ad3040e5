#include <google/protobuf/io/gzip_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/policy/check.h"
#include "common/policy/policy.h"
#include "common/process/files.h"
#include "common/process/status.h"

namespace estuary::policy {
namespace {

namespace io = google::protobuf::io;

constexpr char kCompressedEnding[] = ".gz";
constexpr char kGzipMagic[] = "\x1f\x8b";
// A compressed file may unfold to a thousand times its size: this is more than any policy.
constexpr int64_t kMostBytes = 256 << 20;

bool Parse(const std::string& content, v1::PolicyVersion& version) {
  if (!absl::StartsWith(content, kGzipMagic)) return version.ParseFromString(content);
  io::ArrayInputStream file(content.data(), static_cast<int>(content.size()));
  io::GzipInputStream unfolded(&file, io::GzipInputStream::GZIP);
  io::LimitingInputStream limited(&unfolded, kMostBytes);
  return version.ParseFromZeroCopyStream(&limited) && unfolded.ZlibErrorMessage() == nullptr;
}

// The same bytes for the same version.
std::string Serialize(const v1::PolicyVersion& version, bool compressed) {
  if (!compressed) return version.SerializeAsString();
  std::string content;
  {
    io::StringOutputStream file(&content);
    io::GzipOutputStream::Options options;
    options.compression_level = 9;
    io::GzipOutputStream folded(&file, options);
    version.SerializeToZeroCopyStream(&folded);
    folded.Close();
  }
  return content;
}

}  // namespace

void SealPolicyVersion(v1::PolicyVersion& version) {
  version.clear_sha256();
  version.set_sha256(HashPolicyVersion(version));
}

absl::StatusOr<v1::PolicyVersion> ReadPolicyFile(const std::string& path) {
  ESTUARY_ASSIGN_OR_RETURN(const std::string content, process::ReadFile(path));
  v1::PolicyVersion version;
  if (!Parse(content, version)) {
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
  return process::WriteFileAtomically(path,
                                      Serialize(version, absl::EndsWith(path, kCompressedEnding)));
}

}  // namespace estuary::policy
