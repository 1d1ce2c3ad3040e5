#include "robot_bridge/loop/wake_watch.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

namespace estuary::bridge {

WakeWatch::WakeWatch() : schedstat_(open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC)) {
  LateTick ignored;
  Look(ignored);
}

WakeWatch::~WakeWatch() {
  if (schedstat_ >= 0) close(schedstat_);
}

void WakeWatch::Look(LateTick& tick) {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  const int64_t faults = usage.ru_majflt + usage.ru_minflt;
  tick.preemptions = static_cast<uint32_t>(usage.ru_nivcsw - last_preemptions_);
  tick.page_faults = static_cast<uint32_t>(faults - last_faults_);
  last_preemptions_ = usage.ru_nivcsw;
  last_faults_ = faults;
  const int64_t waited = Waited();
  tick.waited_ns = waited < 0 ? -1 : waited - last_waited_ns_;
  last_waited_ns_ = waited;
  const int cpu = sched_getcpu();
  tick.cpu = cpu < 0 ? 0 : cpu;
}

int64_t WakeWatch::Waited() const {
  // "time on a core, time ready without one, turns", in ns.
  char text[96];
  const ssize_t size = schedstat_ < 0 ? -1 : pread(schedstat_, text, sizeof(text), 0);
  ssize_t at = 0;
  while (at < size && text[at] != ' ') ++at;
  if (size <= 0 || at == size) return -1;
  int64_t waited = 0;
  for (++at; at < size && text[at] >= '0' && text[at] <= '9'; ++at) {
    waited = 10 * waited + (text[at] - '0');
  }
  return waited;
}

}  // namespace estuary::bridge
