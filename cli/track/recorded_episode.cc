#include "cli/track/recorded_episode.h"

#include <cerrno>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "common/process/status.h"

namespace estuary::cli {
namespace {

constexpr char kTrack[] = "/episode";

absl::Status Write(const RecordedEpisode& episode, const std::string& path) {
  ESTUARY_ASSIGN_OR_RETURN(hdf5::File file, hdf5::File::Create(path));
  ESTUARY_RETURN_IF_ERROR(WriteTrack(episode.track, kTrack, file));
  ESTUARY_RETURN_IF_ERROR(file.SetAttribute("/", "seconds", episode.seconds));
  ESTUARY_RETURN_IF_ERROR(file.SetAttribute("/", "end", episode.end));
  return file.Close();
}

}  // namespace

absl::Status WriteRecordedEpisode(const RecordedEpisode& episode, const std::string& path) {
  const std::string partial = path + ".partial";
  const absl::Status status = Write(episode, partial);
  if (status.ok() && std::rename(partial.c_str(), path.c_str()) != 0) {
    return process::ErrnoStatus(errno, absl::StrCat("cannot rename '", partial, "'"));
  }
  if (!status.ok()) std::remove(partial.c_str());
  return status;
}

absl::StatusOr<RecordedEpisode> ReadRecordedEpisode(const std::string& path) {
  ESTUARY_ASSIGN_OR_RETURN(const hdf5::File file, hdf5::File::Open(path));
  RecordedEpisode episode;
  ESTUARY_ASSIGN_OR_RETURN(episode.track, ReadTrack(file, kTrack));
  ESTUARY_ASSIGN_OR_RETURN(episode.seconds, file.Attribute<double>("/", "seconds"));
  ESTUARY_ASSIGN_OR_RETURN(episode.end, file.StringAttribute("/", "end"));
  return episode;
}

}  // namespace estuary::cli
