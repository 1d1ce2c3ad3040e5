#include "cli/data/recorded_file.h"

#include <cerrno>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "common/hdf5/file.h"
#include "common/process/status.h"

namespace estuary::cli {
namespace {

absl::Status Write(const std::string& path, const Recorded& recorded,
                   const worlds::DatasetOrigin& origin) {
  ESTUARY_RETURN_IF_ERROR(worlds::WriteD4rl(path, recorded.columns, origin));
  ESTUARY_ASSIGN_OR_RETURN(hdf5::File file, hdf5::File::OpenForWriting(path));
  const uint64_t rows = recorded.columns.size();
  ESTUARY_RETURN_IF_ERROR(file.Write<uint8_t>("/infos/source", {rows}, recorded.source));
  ESTUARY_RETURN_IF_ERROR(
      file.Write<uint32_t>("/infos/policy_version", {rows}, recorded.policy_version));
  ESTUARY_RETURN_IF_ERROR(file.Write<uint32_t>("/infos/episode", {rows}, recorded.episode));
  return file.Close();
}

}  // namespace

absl::Status WriteRecordedFile(const std::string& path, const Recorded& recorded,
                               const worlds::DatasetOrigin& origin) {
  const std::string partial = path + ".partial";
  const absl::Status status = Write(partial, recorded, origin);
  if (status.ok() && std::rename(partial.c_str(), path.c_str()) != 0) {
    return process::ErrnoStatus(errno, absl::StrCat("cannot rename '", partial, "'"));
  }
  if (!status.ok()) std::remove(partial.c_str());
  return status;
}

}  // namespace estuary::cli
