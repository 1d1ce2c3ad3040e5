// The learner as a process: folder, server, training, and its end.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace estuary::learner {

struct LearnerOptions {
  // Text-format file; may be empty where a run is resumed.
  std::string experiment;
  std::string run_dir;
  bool resume = false;
  // Empty: the experiment's name and some random letters.
  std::string run_id;
  std::vector<std::string> shards;
  std::vector<std::string> listen;
  // Plaintext on addresses that other machines reach.
  // Where /metrics is served; empty: nowhere.
  std::string metrics;
  // For a replay shard that does not answer at the start.
  absl::Duration patience = absl::Seconds(60);
};

// Trains until the run is done (final_policy.pb is there) or the process is asked to stop (a
// checkpoint is there); OK in both cases.
absl::Status RunLearner(const LearnerOptions& options);

}  // namespace estuary::learner
