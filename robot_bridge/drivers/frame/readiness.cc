#include "robot_bridge/drivers/frame/readiness.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>

#include "robot_bridge/loop/clock.h"

namespace estuary::bridge {

Readiness::Readiness() : interrupt_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
Readiness::~Readiness() { close(interrupt_); }

bool Readiness::Wait(int fd, int64_t deadline) {
  for (;;) {
    pollfd fds[2] = {{interrupt_, POLLIN, 0}, {fd, POLLIN, 0}};
    const timespec left = ToTimespec(std::max<int64_t>(0, deadline - Now()));
    const int rc = ppoll(fds, 2, &left, nullptr);
    if (rc < 0) continue;
    if (rc == 0 || fds[0].revents != 0) return false;
    if (fds[1].revents != 0) return true;
  }
}

void Readiness::Interrupt() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(interrupt_, &one, sizeof(one));
}

}  // namespace estuary::bridge
