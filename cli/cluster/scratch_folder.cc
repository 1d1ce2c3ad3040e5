#include "cli/cluster/scratch_folder.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/process/status.h"

namespace estuary::cli {
namespace {

constexpr char kPrefix[] = "estuary-";
constexpr char kLock[] = "lock";

bool IsOurs(const std::filesystem::path& path) {
  struct stat info {};
  return lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == geteuid();
}

void RemoveAbandoned(const std::string& parent) {
  std::error_code error;
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(parent, error)) {
    if (absl::StartsWith(entry.path().filename().string(), kPrefix) && IsOurs(entry.path())) {
      found.push_back(entry.path());
    }
  }
  for (const std::filesystem::path& path : found) {
    // A folder without a lock file is somebody's who is just making it, or not one of these.
    const int lock = open((path / kLock).c_str(), O_RDWR | O_CLOEXEC);
    if (lock < 0) continue;
    if (flock(lock, LOCK_EX | LOCK_NB) == 0) std::filesystem::remove_all(path, error);
    close(lock);
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<ScratchFolder>> ScratchFolder::Create(const std::string& parent) {
  RemoveAbandoned(parent);
  std::string path = absl::StrCat(parent, "/", kPrefix, "XXXXXX");
  if (mkdtemp(path.data()) == nullptr) {
    return process::ErrnoStatus(errno, absl::StrCat("cannot make a folder in ", parent));
  }
  // Locked under another name first, so that nobody ever sees it unlocked.
  const std::string unnamed = absl::StrCat(path, "/", kLock, ".new");
  const int lock = open(unnamed.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) != 0 ||
      rename(unnamed.c_str(), absl::StrCat(path, "/", kLock).c_str()) != 0) {
    const absl::Status status =
        process::ErrnoStatus(errno, absl::StrCat("cannot lock the folder ", path));
    if (lock >= 0) close(lock);
    std::error_code error;
    std::filesystem::remove_all(path, error);
    return status;
  }
  return std::unique_ptr<ScratchFolder>(new ScratchFolder(std::move(path), lock));
}

ScratchFolder::~ScratchFolder() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
  close(lock_);
}

}  // namespace estuary::cli
