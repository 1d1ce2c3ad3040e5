#include "common/process/dial.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "common/process/address.h"

namespace estuary::process {

absl::StatusOr<int> Dial(const std::string& address, absl::Duration patience) {
  const std::string host = HostOf(address);
  const std::string port = address.substr(address.rfind(':') + 1);
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &found); error != 0) {
    return absl::UnavailableError(absl::StrCat(
        "no address of '", host, "' is known: ", gai_strerror(error), "; is the name right?"));
  }
  const absl::Cleanup free_found = [found] { freeaddrinfo(found); };
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    const int fd = socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) continue;
    pollfd wait{fd, POLLOUT, 0};
    int error = 0;
    socklen_t size = sizeof(error);
    if ((connect(fd, one->ai_addr, one->ai_addrlen) == 0 || errno == EINPROGRESS) &&
        poll(&wait, 1, static_cast<int>(absl::ToInt64Milliseconds(patience))) == 1 &&
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0) {
      return fd;
    }
    close(fd);
  }
  return absl::UnavailableError("it does not answer; is it running there?");
}

}  // namespace estuary::process
