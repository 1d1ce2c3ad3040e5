#include "common/process/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "absl/strings/numbers.h"

namespace estuary::process {

bool TellServiceManager(const std::string& state) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr || (path[0] != '/' && path[0] != '@')) return false;
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  const size_t length = std::strlen(path);
  if (length >= sizeof(name.sun_path)) return false;
  std::memcpy(name.sun_path, path, length);
  // A socket without a file, whose name begins with a zero byte.
  if (path[0] == '@') name.sun_path[0] = '\0';
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return false;
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
  const ssize_t sent = sendto(fd, state.data(), state.size(), MSG_NOSIGNAL,
                              reinterpret_cast<const sockaddr*>(&name), size);
  close(fd);
  return sent == static_cast<ssize_t>(state.size());
}

absl::Duration WatchdogInterval() {
  const char* microseconds = std::getenv("WATCHDOG_USEC");
  const char* pid = std::getenv("WATCHDOG_PID");
  int64_t interval = 0;
  if (microseconds == nullptr || !absl::SimpleAtoi(microseconds, &interval) || interval <= 0) {
    return absl::InfiniteDuration();
  }
  // Inherited by a child of the one who is watched.
  int64_t watched = 0;
  if (pid != nullptr && (!absl::SimpleAtoi(pid, &watched) || watched != getpid())) {
    return absl::InfiniteDuration();
  }
  return absl::Microseconds(interval) / 2;
}

}  // namespace estuary::process
