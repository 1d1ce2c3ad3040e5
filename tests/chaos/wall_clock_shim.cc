// A wall clock of a process's own, which a test can set while the process runs: preloaded
// (LD_PRELOAD), it adds the offset, in nanoseconds, that stands in the file
// $ESTUARY_WALL_CLOCK_OFFSET to CLOCK_REALTIME, and lets waits with an absolute wall-clock deadline
// end when that clock says so, as the kernel does where the machine's clock is set. The monotonic
// clock stays what it is. Setting the machine's own clock would hit everything else on it.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

namespace {

constexpr int64_t kSecond = 1'000'000'000;
// A wait looks this often whether the clock was set meanwhile.
constexpr int64_t kLook = 10'000'000;

using Syscall = long (*)(long, long, long, long, long, long, long);

// No function-local static: its guard may itself wait by a futex.
std::atomic<Syscall> real{nullptr};

long Real(long number, long a, long b, long c, long d = 0, long e = 0, long f = 0) {
  Syscall found = real.load(std::memory_order_relaxed);
  if (found == nullptr) {
    found = reinterpret_cast<Syscall>(dlsym(RTLD_NEXT, "syscall"));
    real.store(found, std::memory_order_relaxed);
  }
  return found(number, a, b, c, d, e, f);
}

int64_t Read(clockid_t clock) {
  timespec time;
  Real(SYS_clock_gettime, clock, reinterpret_cast<long>(&time), 0);
  return time.tv_sec * kSecond + time.tv_nsec;
}

const volatile int64_t* offset = nullptr;

// Before anything else of the process runs.
__attribute__((constructor)) void FindOffset() {
  const char* path = getenv("ESTUARY_WALL_CLOCK_OFFSET");
  const int fd = path == nullptr ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  void* page = mmap(nullptr, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
  if (page != MAP_FAILED) offset = static_cast<const volatile int64_t*>(page);
}

int64_t Offset() { return offset == nullptr ? 0 : *offset; }

int64_t WallClock() { return Read(CLOCK_REALTIME) + Offset(); }

timespec ToTimespec(int64_t ns) { return {.tv_sec = ns / kSecond, .tv_nsec = ns % kSecond}; }
int64_t ToNs(const timespec& time) { return time.tv_sec * kSecond + time.tv_nsec; }

// When to look again, by the monotonic clock; 0: the deadline has passed.
int64_t NextLook(int64_t deadline) {
  const int64_t left = deadline - WallClock();
  if (left <= 0) return 0;
  return Read(CLOCK_MONOTONIC) + (left < kLook ? left : kLook);
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const long rc = Real(SYS_clock_gettime, clock, reinterpret_cast<long>(time), 0);
  if (rc == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    *time = ToTimespec(ToNs(*time) + Offset());
  }
  return static_cast<int>(rc);
}

int gettimeofday(timeval* __restrict time, void* __restrict) noexcept {
  const int64_t now = WallClock();
  time->tv_sec = now / kSecond;
  time->tv_usec = now % kSecond / 1000;
  return 0;
}

time_t time(time_t* out) noexcept {
  const time_t now = WallClock() / kSecond;
  if (out != nullptr) *out = now;
  return now;
}

long syscall(long number, ...) noexcept {
  va_list list;
  va_start(list, number);
  long a[6];
  for (long& argument : a) argument = va_arg(list, long);
  va_end(list);
  const bool by_wall_clock = number == SYS_futex && (a[1] & FUTEX_CLOCK_REALTIME) != 0 &&
                             (a[1] & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET && a[3] != 0;
  if (!by_wall_clock) return Real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  const int64_t deadline = ToNs(*reinterpret_cast<const timespec*>(a[3]));
  for (;;) {
    const int64_t look = NextLook(deadline);
    if (look == 0) {
      errno = ETIMEDOUT;
      return -1;
    }
    const timespec until = ToTimespec(look);
    const long rc = Real(SYS_futex, a[0], a[1] & ~FUTEX_CLOCK_REALTIME, a[2],
                         reinterpret_cast<long>(&until), a[4], a[5]);
    if (rc == 0 || errno != ETIMEDOUT) return rc;
  }
}

int pthread_cond_timedwait(pthread_cond_t* __restrict condition, pthread_mutex_t* __restrict mutex,
                           const timespec* __restrict time) {
  const int64_t deadline = ToNs(*time);
  for (;;) {
    const int64_t look = NextLook(deadline);
    if (look == 0) return ETIMEDOUT;
    const timespec until = ToTimespec(look);
    const int rc = pthread_cond_clockwait(condition, mutex, CLOCK_MONOTONIC, &until);
    if (rc != ETIMEDOUT) return rc;
  }
}

}  // extern "C"
