#include "common/process/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "common/process/sha256.h"
#include "common/process/status.h"

namespace estuary::process {

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return ErrnoStatus(errno, absl::StrCat("cannot open '", path, "'"));
  absl::Cleanup close_file = [fd] { close(fd); };
  std::string content;
  char buffer[1 << 16];
  while (true) {
    const ssize_t n = read(fd, buffer, sizeof(buffer));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoStatus(errno, absl::StrCat("cannot read '", path, "'"));
    if (n == 0) return content;
    content.append(buffer, n);
  }
}

absl::Status SyncDirectory(const std::string& directory) {
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return ErrnoStatus(errno, absl::StrCat("cannot open directory '", directory, "'"));
  absl::Cleanup close_file = [fd] { close(fd); };
  if (fsync(fd) != 0) {
    return ErrnoStatus(errno, absl::StrCat("cannot sync directory '", directory, "'"));
  }
  return absl::OkStatus();
}

absl::Status WriteFileAtomically(const std::string& path, absl::string_view content) {
  const std::string temporary = absl::StrCat(path, ".tmp", getpid());
  const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return ErrnoStatus(errno, absl::StrCat("cannot create '", temporary, "'"));
  absl::Status status;
  while (!content.empty() && status.ok()) {
    const ssize_t n = write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      status = ErrnoStatus(errno, absl::StrCat("cannot write '", path, "'"));
    } else {
      content.remove_prefix(n);
    }
  }
  if (status.ok() && fsync(fd) != 0) {
    status = ErrnoStatus(errno, absl::StrCat("cannot sync '", path, "'"));
  }
  close(fd);
  if (status.ok() && rename(temporary.c_str(), path.c_str()) != 0) {
    status = ErrnoStatus(errno, absl::StrCat("cannot rename '", temporary, "' to '", path, "'"));
  }
  if (!status.ok()) {
    unlink(temporary.c_str());
    return status;
  }
  const std::string parent = std::filesystem::path(path).parent_path().string();
  return SyncDirectory(parent.empty() ? "." : parent);
}

absl::Status CreateDirectories(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return ErrnoStatus(error.value(), absl::StrCat("cannot create folder '", path, "'"));
  return absl::OkStatus();
}

std::string Sha256(absl::string_view content) {
  Sha256Stream sum;
  sum.Add(content.data(), content.size());
  return sum.Finish();
}

}  // namespace estuary::process
