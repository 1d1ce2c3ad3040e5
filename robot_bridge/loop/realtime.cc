#include "robot_bridge/loop/realtime.h"

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstring>

namespace estuary::bridge {
namespace {

// More than the loop's deepest call needs.
constexpr size_t kStackBytes = 256 << 10;

// Touches the stack below the caller, so that the loop's calls never meet a page for the first
// time.
__attribute__((noinline)) void TouchStack() {
  char stack[kStackBytes];
  for (size_t i = 0; i < kStackBytes; i += 4096) {
    static_cast<volatile char*>(stack)[i] = 0;
  }
}

std::string Because(int error) { return std::strerror(error); }

}  // namespace

void LockMemory(const RealtimeOptions& options, RealtimeGrants& grants) {
  if (!options.lock_memory) return;
  rlimit limit{};
  getrlimit(RLIMIT_MEMLOCK, &limit);
  if (geteuid() != 0 && limit.rlim_cur != RLIM_INFINITY) {
    // Locking would succeed as long as little is mapped, and then let later allocations fail.
    grants.refused.push_back("memory is not locked: the limit 'memlock' is " +
                             std::to_string(limit.rlim_cur >> 10) +
                             " KiB; make it unlimited (ulimit -l, LimitMEMLOCK=infinity)");
    return;
  }
  // On fault: a page stays once it was touched. Locking every thread's whole stack would cost
  // hundreds of megabytes.
  if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0) {
    grants.refused.push_back("memory is not locked: " + Because(errno) +
                             "; give the process CAP_IPC_LOCK");
    return;
  }
  grants.memory_locked = true;
}

void MakeThisThreadRealtime(const RealtimeOptions& options, RealtimeGrants& grants) {
  TouchStack();
  prctl(PR_SET_TIMERSLACK, 1);
  if (options.priority > 0) {
    sched_param parameter{};
    parameter.sched_priority = options.priority;
    const int rc = pthread_setschedparam(pthread_self(), SCHED_FIFO, &parameter);
    if (rc == 0) {
      grants.fifo = true;
    } else {
      grants.refused.push_back("SCHED_FIFO " + std::to_string(options.priority) +
                               " is not given: " + Because(rc) +
                               "; give the process CAP_SYS_NICE or the limit 'rtprio'");
    }
  }
  if (options.cpu >= 0) {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(options.cpu, &cores);
    const int rc = pthread_setaffinity_np(pthread_self(), sizeof(cores), &cores);
    if (rc == 0) {
      grants.pinned = true;
    } else {
      grants.refused.push_back("the loop is not pinned to core " + std::to_string(options.cpu) +
                               ": " + Because(rc));
    }
  }
}

void MakeThisThreadOrdinary() {
  const sched_param parameter{};
  pthread_setschedparam(pthread_self(), SCHED_OTHER, &parameter);
}

}  // namespace estuary::bridge
