// cyclictest (Debian's rt-tests) beside what is measured: the wake-up lateness that this machine
// gives to a program that does nothing else.
#pragma once

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace estuary::benchmarks {

class Cyclictest {
 public:
  // Starts it at SCHED_FIFO `priority` on a core, a wake-up every `period_us`, so many of them.
  Cyclictest(int priority, int core, int period_us, int64_t count) {
    int ends[2];
    if (pipe(ends) != 0) return;
    child_ = fork();
    if (child_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      dup2(ends[1], STDOUT_FILENO);
      const std::string p = "-p" + std::to_string(priority);
      const std::string i = "-i" + std::to_string(period_us);
      const std::string l = "-l" + std::to_string(count);
      const std::string a = "-a" + std::to_string(core);
      execlp("cyclictest", "cyclictest", "-q", "-m", "-t1", a.c_str(), p.c_str(), i.c_str(),
             l.c_str(), "-h200000", nullptr);
      _exit(127);
    }
    close(ends[1]);
    output_ = fdopen(ends[0], "r");
  }

  // Waits for its end: its wake-ups' lateness in us, sorted; empty where it did not run.
  std::vector<double> Finish() {
    std::vector<double> lateness;
    if (output_ == nullptr) return lateness;
    char line[256];
    while (std::fgets(line, sizeof(line), output_) != nullptr) {
      long us = 0;
      long count = 0;
      // The histogram: "000017 000123".
      // What is beyond it is at least that much.
      if (std::sscanf(line, "# Histogram Overflows: %ld", &count) == 1) {
        lateness.insert(lateness.end(), static_cast<size_t>(count), 200'000.0);
      }
      if (line[0] != '#' && std::sscanf(line, "%ld %ld", &us, &count) == 2) {
        lateness.insert(lateness.end(), static_cast<size_t>(count), static_cast<double>(us));
      }
    }
    std::fclose(output_);
    output_ = nullptr;
    int status = 0;
    waitpid(child_, &status, 0);
    if (status != 0) lateness.clear();
    return lateness;
  }

 private:
  pid_t child_ = -1;
  FILE* output_ = nullptr;
};

}  // namespace estuary::benchmarks
