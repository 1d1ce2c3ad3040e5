// One process that this one started. It dies with its parent, whatever kills the parent; it has a
// process group of its own, so that Ctrl-C reaches the parent alone, which then ends its children
// in order.
//
// Threads: start every child from one thread that lives as long as the children should: the kernel
// ends them when that thread goes. The destructor kills.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace estuary::cli {

struct ChildExit {
  // Of exit(), or 0 where a signal ended it.
  int code = 0;
  int signal = 0;

  bool ok() const { return code == 0 && signal == 0; }
  // "exit code 2", "signal 9 (Killed)".
  std::string ToString() const;
};

class Child {
 public:
  // Runs argv[0] (a path). Its output is appended to `log_path`, its input is empty. NOT_FOUND
  // names a binary that is not there.
  static absl::StatusOr<std::unique_ptr<Child>> Start(const std::vector<std::string>& argv,
                                                      const std::string& log_path);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  // How it ended, or nothing while it runs. Does not wait.
  std::optional<ChildExit> Poll();
  // Waits up to `timeout` for the end.
  std::optional<ChildExit> Wait(absl::Duration timeout);
  void Signal(int signal);

 private:
  explicit Child(pid_t pid) : pid_(pid) {}

  const pid_t pid_;
  std::optional<ChildExit> exit_;
};

// The file `name` beside this process's own binary.
std::string SiblingBinary(const std::string& name);

// The last `lines` of a log for a person: JSON lines become "level: message".
std::string LogTail(const std::string& path, int lines);

}  // namespace estuary::cli
