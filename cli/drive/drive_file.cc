#include "cli/drive/drive_file.h"

#include <cerrno>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "cli/data/recorded_file.h"
#include "cli/track/track.h"
#include "common/hdf5/file.h"
#include "common/process/status.h"

namespace estuary::cli {
namespace {

constexpr char kRoot[] = "/";
constexpr char kTrack[] = "/drive";

// Every number of a drive and the attribute that holds it.
template <typename Drive, typename Visit>
absl::Status ForEachNumber(Drive& drive, const Visit& visit) {
  ESTUARY_RETURN_IF_ERROR(visit("seconds_asked", drive.seconds_asked));
  ESTUARY_RETURN_IF_ERROR(visit("seconds", drive.seconds));
  ESTUARY_RETURN_IF_ERROR(visit("max_abs_x", drive.max_abs_x));
  ESTUARY_RETURN_IF_ERROR(visit("final_x", drive.final_x));
  ESTUARY_RETURN_IF_ERROR(visit("return", drive.episode_return));
  ESTUARY_RETURN_IF_ERROR(visit("lateness_p50_us", drive.lateness_p50_us));
  ESTUARY_RETURN_IF_ERROR(visit("lateness_p99_us", drive.lateness_p99_us));
  ESTUARY_RETURN_IF_ERROR(visit("lateness_max_us", drive.lateness_max_us));
  ESTUARY_RETURN_IF_ERROR(visit("ticks", drive.ticks));
  ESTUARY_RETURN_IF_ERROR(visit("missed_ticks", drive.missed_ticks));
  ESTUARY_RETURN_IF_ERROR(visit("transitions", drive.transitions));
  return visit("fallback_transitions", drive.fallback_transitions);
}

absl::Status Write(const std::string& path, const std::string& task, const Recorded& recorded,
                   const DriveData& drive) {
  ESTUARY_RETURN_IF_ERROR(WriteRecordedFile(path, recorded, {.task = task, .generator = "drive"}));
  ESTUARY_ASSIGN_OR_RETURN(hdf5::File file, hdf5::File::OpenForWriting(path));
  ESTUARY_RETURN_IF_ERROR(WriteTrack(drive.track, kTrack, file));
  ESTUARY_RETURN_IF_ERROR(file.SetAttribute(kRoot, "end", DriveEndName(drive.end)));
  ESTUARY_RETURN_IF_ERROR(ForEachNumber(drive, [&](const char* name, const auto& value) {
    return file.SetAttribute(kRoot, name, value);
  }));
  return file.Close();
}

}  // namespace

absl::Status WriteDriveFile(const std::string& path, const std::string& task,
                            const Recorded& recorded, const DriveData& drive) {
  const std::string partial = path + ".partial";
  const absl::Status status = Write(partial, task, recorded, drive);
  if (status.ok() && std::rename(partial.c_str(), path.c_str()) != 0) {
    return process::ErrnoStatus(errno, absl::StrCat("cannot rename '", partial, "'"));
  }
  if (!status.ok()) std::remove(partial.c_str());
  return status;
}

absl::StatusOr<DriveData> ReadDriveFile(const std::string& path) {
  ESTUARY_ASSIGN_OR_RETURN(const hdf5::File file, hdf5::File::Open(path));
  DriveData drive;
  ESTUARY_RETURN_IF_ERROR(ForEachNumber(drive, [&](const char* name, auto& value) {
    auto read = file.Attribute<std::decay_t<decltype(value)>>(kRoot, name);
    if (read.ok()) value = *read;
    return read.status();
  }));
  ESTUARY_ASSIGN_OR_RETURN(const std::string end, file.StringAttribute(kRoot, "end"));
  ESTUARY_ASSIGN_OR_RETURN(drive.end, ParseDriveEnd(end));
  ESTUARY_ASSIGN_OR_RETURN(drive.track, ReadTrack(file, kTrack));
  return drive;
}

}  // namespace estuary::cli
