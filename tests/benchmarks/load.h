// Other work for a machine that something is measured on: processes at normal priority that keep
// every core busy, with arithmetic, memory and system calls.
#pragma once

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <vector>

namespace estuary::benchmarks {

class Load {
 public:
  // `each` processes for each core.
  explicit Load(int each = 2) {
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    for (long i = 0; i < cores * each; ++i) {
      const pid_t child = fork();
      if (child == 0) Work(static_cast<int>(i));
      if (child > 0) children_.push_back(child);
    }
  }
  ~Load() {
    for (const pid_t child : children_) kill(child, SIGKILL);
    for (const pid_t child : children_) waitpid(child, nullptr, 0);
  }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  size_t processes() const { return children_.size(); }

 private:
  [[noreturn]] static void Work(int kind) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    std::vector<char> from(8 << 20, 1);
    std::vector<char> to(from.size());
    volatile double sum = 0;
    for (;;) {
      if (kind % 2 == 0) {
        for (int i = 0; i < 200'000; ++i) sum = sum + std::sqrt(static_cast<double>(i));
      } else {
        std::memcpy(to.data(), from.data(), from.size());
        for (int i = 0; i < 2'000; ++i) sum = sum + getppid();
      }
    }
  }

  std::vector<pid_t> children_;
};

}  // namespace estuary::benchmarks
