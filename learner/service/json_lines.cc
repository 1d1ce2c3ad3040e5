#include "learner/service/json_lines.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "common/process/files.h"
#include "common/process/status.h"

namespace estuary::learner {

absl::StatusOr<std::unique_ptr<JsonLines>> JsonLines::Open(const std::string& path) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) return process::ErrnoStatus(errno, absl::StrCat("cannot open '", path, "'"));
  struct stat information {};
  if (fstat(fd, &information) != 0) {
    const int error = errno;
    close(fd);
    return process::ErrnoStatus(error, absl::StrCat("cannot stat '", path, "'"));
  }
  return std::unique_ptr<JsonLines>(new JsonLines(path, fd, information.st_size));
}

JsonLines::~JsonLines() { close(fd_); }

absl::Status JsonLines::Append(const nlohmann::json& line) {
  const std::string text =
      line.dump(-1, ' ', /*ensure_ascii=*/false, nlohmann::json::error_handler_t::replace) + "\n";
  absl::string_view rest = text;
  absl::MutexLock lock(&mutex_);
  while (!rest.empty()) {
    const ssize_t n = write(fd_, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int error = errno;
      // Whoever reads the file meanwhile sees whole lines only.
      if (ftruncate(fd_, size_) != 0) {
        return process::ErrnoStatus(errno,
                                    absl::StrCat("cannot cut a torn line off '", path_, "'"));
      }
      return process::ErrnoStatus(error, absl::StrCat("cannot append to '", path_, "'"));
    }
    rest.remove_prefix(n);
  }
  size_ += static_cast<int64_t>(text.size());
  return absl::OkStatus();
}

absl::Status JsonLines::Keep(const std::string& path,
                             const std::function<bool(const nlohmann::json&)>& keep) {
  const absl::StatusOr<std::string> text = process::ReadFile(path);
  if (absl::IsNotFound(text.status())) return absl::OkStatus();
  ESTUARY_RETURN_IF_ERROR(text.status());
  std::string kept;
  for (const absl::string_view line : absl::StrSplit(*text, '\n', absl::SkipEmpty())) {
    const auto parsed = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (parsed.is_object() && keep(parsed)) absl::StrAppend(&kept, line, "\n");
  }
  if (kept == *text) return absl::OkStatus();
  return process::WriteFileAtomically(path, kept);
}

}  // namespace estuary::learner
