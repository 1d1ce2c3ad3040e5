// A real process under test: started with a log file for its output, killed with its parent.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "absl/time/clock.h"

namespace estuary::actor::testing {

class ChildProcess {
 public:
  ChildProcess(const std::vector<std::string>& arguments, std::string log) : log_(std::move(log)) {
    std::vector<char*> argv;
    for (const std::string& argument : arguments) {
      argv.push_back(const_cast<char*>(argument.c_str()));
    }
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int file = open(log_.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(file, STDOUT_FILENO);
    dup2(file, STDERR_FILENO);
    execv(argv[0], argv.data());
    _exit(127);
  }
  ~ChildProcess() {
    Signal(SIGKILL);
    Wait(absl::Seconds(10));
  }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }

  void Signal(int signal) const {
    if (!status_.has_value()) kill(pid_, signal);
  }

  // Exit code, or minus the signal that ended it; nothing where it still runs.
  std::optional<int> Wait(absl::Duration timeout) {
    const absl::Time end = absl::Now() + timeout;
    while (!status_.has_value()) {
      int status = 0;
      if (waitpid(pid_, &status, WNOHANG) == pid_) {
        status_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
      } else if (absl::Now() >= end) {
        break;
      } else {
        absl::SleepFor(absl::Milliseconds(5));
      }
    }
    return status_;
  }

  // What it has said so far.
  std::string Output() const {
    std::ifstream file(log_);
    std::stringstream content;
    content << file.rdbuf();
    return content.str();
  }

 private:
  const std::string log_;
  pid_t pid_ = -1;
  std::optional<int> status_;
};

}  // namespace estuary::actor::testing
