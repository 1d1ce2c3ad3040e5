// The place where progress is shown: on a terminal one line a training, redrawn in place; elsewhere
// one line a training every few seconds, when something moved.
//
// Goes to stderr, so that stdout carries results alone. Threads: Say from any thread, the rest from
// one.
#pragma once

#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "cli/progress/format.h"

namespace estuary::cli {

class Display {
 public:
  // Names are shown before the lines where there is more than one.
  explicit Display(std::vector<std::string> names);
  // Leaves the lines as they stand and the cursor below.
  ~Display();

  // Shows line i's state when it is due.
  void Update(size_t i, const TrainingState& state);
  // A line of its own, above what is redrawn.
  void Say(const std::string& text);
  // Draws what was held back.
  void Flush();

 private:
  void Draw() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Erase() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::vector<std::string> names_;
  const bool terminal_;
  absl::Mutex mutex_;
  std::vector<std::string> lines_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> printed_ ABSL_GUARDED_BY(mutex_);
  std::vector<absl::Time> printed_at_ ABSL_GUARDED_BY(mutex_);
  absl::Time drawn_at_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  int drawn_lines_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace estuary::cli
