// Keeps a set of processes running: a process that dies is started again after a backoff, one that
// dies over and over ends the whole, one that finished its work may go.
//
// Poll() does everything, on the caller's thread, which must be the one that called StartAll (see
// child.h) and should call it several times a second.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "cli/cluster/child.h"
#include "common/process/backoff.h"

namespace estuary::cli {

struct ChildSpec {
  // "learner", "actor-0": names it in messages and its log file.
  std::string name;
  std::vector<std::string> argv;
  // What it is started with after a death; null: argv.
  std::function<std::vector<std::string>()> restart_argv = nullptr;
  std::string log_path;
  // Exit code 0 means done; otherwise any exit is a death.
  bool may_finish = false;
  // A file that must be there for that; empty: none.
  std::string proof = "";
  // Processes are ended from the highest stage to the lowest, each when the one before has gone.
  int stage = 0;
};

class Supervisor {
 public:
  struct Options {
    // So many deaths of one child in a row end the whole. A child that lived for `healthy_after`
    // starts counting anew.
    int deaths_in_a_row = 5;
    absl::Duration healthy_after = absl::Seconds(20);
    absl::Duration first_backoff = absl::Milliseconds(200);
    absl::Duration longest_backoff = absl::Seconds(5);
    // Between SIGTERM and SIGKILL, each stage.
    absl::Duration grace = absl::Seconds(5);
    // Told of deaths and restarts, one line each.
    std::function<void(const std::string&)> say = [](const std::string&) {};
  };

  explicit Supervisor(Options options) : options_(std::move(options)) {}
  // Stops.
  ~Supervisor() { Stop(); }

  void Add(ChildSpec spec);
  // Starts in the order of Add.
  absl::Status StartAll();

  // Reaps and restarts. Not OK where a child cannot be kept alive: names it, says how it ended, and
  // quotes its last log lines. A child that exits with code 2, a process's word for bad input, is
  // not tried again.
  absl::Status Poll();

  // From now on whoever ends may: nobody is started again. For the time after the work is done.
  void LetGo() { let_go_ = true; }

  // It exited with code 0 and may.
  bool Finished(const std::string& name) const;
  // Times it was started again.
  int Restarts(const std::string& name) const;
  // 0 while it is not running.
  pid_t Pid(const std::string& name) const;

  // SIGTERM, SIGKILL after the grace, stage by stage. Idempotent. Says who had to be killed.
  void Stop();

 private:
  struct Managed {
    ChildSpec spec;
    std::unique_ptr<Child> child;
    process::Backoff backoff;
    absl::Time started = absl::InfinitePast();
    absl::Time restart_at = absl::InfiniteFuture();
    int deaths = 0;
    int restarts = 0;
    bool finished = false;
  };

  absl::Status Died(Managed& managed, const ChildExit& exit);
  const Managed* Find(const std::string& name) const;

  const Options options_;
  std::vector<Managed> children_;
  bool let_go_ = false;
};

}  // namespace estuary::cli
