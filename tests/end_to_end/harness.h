// Runs the `estuary` command as a user does, in a folder of the test's own, and looks at what it
// leaves.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace estuary::end_to_end {

struct Result {
  // Of exit(); -1 where a signal ended it or it took too long.
  int code = -1;
  std::string out;
  std::string err;
};

// A command that runs.
class Command {
 public:
  // `arguments` of `estuary`, in `folder`.
  Command(const std::string& folder, const std::vector<std::string>& arguments);
  // Kills what still runs.
  ~Command();

  pid_t pid() const { return pid_; }
  Result Wait(absl::Duration timeout = absl::Minutes(4));
  // Waits until `done`; false where the command ended or a minute went by before.
  bool WaitUntil(const std::function<bool()>& done);
  void Signal(int signal);
  std::string err() const;
  // Processes of the cluster it started, by what is in their command line ("estuary-actor").
  std::vector<pid_t> Children(const std::string& what) const;

 private:
  bool Ended();

  std::string folder_;
  std::string out_path_;
  std::string err_path_;
  pid_t pid_ = -1;
  int status_ = 0;
  bool ended_ = false;
};

// A fresh folder, named after the running test.
std::string TestFolder();

Result Estuary(const std::string& folder, const std::vector<std::string>& arguments);

// Processes anywhere whose command line holds `text`.
std::vector<pid_t> ProcessesWith(const std::string& text);

// A small dataset of wheel_legged_stand, the same in every test.
void MakeDataset(const std::string& folder, const std::string& name);

// A training of some seconds, so many gradient and simulator steps; `extra` is added to the text.
std::string TinyExperiment(const std::string& algorithm, int steps = 2000,
                           const std::string& extra = "");
void WriteFile(const std::string& path, const std::string& text);
std::string ReadFile(const std::string& path);
bool Exists(const std::string& path);
// The gradient steps of a run's newest checkpoint; 0 before the first.
int NewestCheckpoint(const std::string& run_dir);

}  // namespace estuary::end_to_end
