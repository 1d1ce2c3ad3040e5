#include "learner/service/run_folder.h"

#include <fcntl.h>
#include <google/protobuf/util/message_differencer.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/experiment/experiment.h"
#include "common/process/files.h"
#include "common/process/status.h"
#include "common/process/textproto.h"

namespace estuary::learner {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRunFiles[] = {"run_id", "metrics.jsonl", "evaluations.jsonl", "checkpoints",
                                     "final_policy.pb"};

bool Exists(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

std::string ExperimentPath(const std::string& folder) { return folder + "/experiment.textproto"; }
std::string RunIdPath(const std::string& folder) { return folder + "/run_id"; }

absl::StatusOr<v1::Experiment> ReadEffective(const std::string& path) {
  ESTUARY_ASSIGN_OR_RETURN(v1::Experiment experiment, experiment::ReadExperiment(path));
  const absl::Status filled = experiment::FillDefaults(experiment);
  if (!filled.ok()) return process::Annotate(filled, path);
  return experiment;
}

// The first field in which they differ, in words; empty where they are equal.
std::string FirstDifference(const v1::Experiment& there, const v1::Experiment& here) {
  std::string report;
  google::protobuf::util::MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&report);
  if (differencer.Compare(there, here)) return "";
  const std::vector<std::string> lines = absl::StrSplit(report, '\n');
  return lines.front();
}

}  // namespace

absl::StatusOr<std::unique_ptr<RunFolder>> RunFolder::Lock(const std::string& path) {
  const std::string file = path + "/.lock";
  const int fd = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return process::ErrnoStatus(errno, absl::StrCat("cannot open '", file, "'"));
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    close(fd);
    return absl::FailedPreconditionError(
        absl::StrCat("another learner works in the run folder '", path, "'; stop it first"));
  }
  return std::unique_ptr<RunFolder>(new RunFolder(path, fd));
}

RunFolder::~RunFolder() { close(lock_); }

absl::StatusOr<std::unique_ptr<RunFolder>> RunFolder::Create(const std::string& path,
                                                             const v1::Experiment& effective,
                                                             const std::string& run_id) {
  ESTUARY_RETURN_IF_ERROR(process::CreateDirectories(path));
  ESTUARY_ASSIGN_OR_RETURN(std::unique_ptr<RunFolder> folder, Lock(path));
  for (const char* name : kRunFiles) {
    if (Exists(absl::StrCat(path, "/", name))) {
      return absl::AlreadyExistsError(
          absl::StrCat("the run folder '", path, "' holds a run (", name,
                       " is there) and is not written over; go on with it by --resume, or train "
                       "under another name"));
    }
  }
  if (Exists(ExperimentPath(path))) {
    ESTUARY_ASSIGN_OR_RETURN(const v1::Experiment there, ReadEffective(ExperimentPath(path)));
    if (const std::string difference = FirstDifference(there, effective); !difference.empty()) {
      return absl::AlreadyExistsError(absl::StrCat("the run folder '", path,
                                                   "' is another experiment's: ", difference,
                                                   "; train under another name"));
    }
  }
  folder->run_id_ = run_id;
  folder->experiment_ = effective;
  ESTUARY_RETURN_IF_ERROR(
      process::WriteFileAtomically(ExperimentPath(path), process::ToTextProto(effective)));
  ESTUARY_RETURN_IF_ERROR(process::WriteFileAtomically(RunIdPath(path), run_id + "\n"));
  return folder;
}

bool RunFolder::Holds(const std::string& path) { return Exists(RunIdPath(path)); }

absl::StatusOr<std::unique_ptr<RunFolder>> RunFolder::Resume(const std::string& path,
                                                             const v1::Experiment* expected,
                                                             const std::string& run_id) {
  if (!Holds(path)) {
    return absl::NotFoundError(
        absl::StrCat("there is no run to resume in '", path, "'; leave --resume out to start one"));
  }
  ESTUARY_ASSIGN_OR_RETURN(std::unique_ptr<RunFolder> folder, Lock(path));
  ESTUARY_ASSIGN_OR_RETURN(const std::string id, process::ReadFile(RunIdPath(path)));
  folder->run_id_ = std::string(absl::StripAsciiWhitespace(id));
  if (!run_id.empty() && run_id != folder->run_id_) {
    return absl::InvalidArgumentError(absl::StrCat("the run in '", path, "' is '", folder->run_id_,
                                                   "', not '", run_id,
                                                   "' as --run_id says; leave --run_id out"));
  }
  ESTUARY_ASSIGN_OR_RETURN(folder->experiment_, ReadEffective(ExperimentPath(path)));
  if (expected != nullptr) {
    if (const std::string difference = FirstDifference(folder->experiment_, *expected);
        !difference.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the experiment is not the one of the run in '", path, "': ", difference,
                       "; a run is resumed as it was begun"));
    }
  }
  return folder;
}

}  // namespace estuary::learner
