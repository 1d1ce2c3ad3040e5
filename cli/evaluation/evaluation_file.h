// The final policy's evaluation in a run's folder: final_evaluation.jsonl, a line for each of the
// two dynamics, with the fields of the learner's evaluations.jsonl.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "worlds/episode.h"

namespace estuary::cli {

// Replaces the file.
absl::Status WriteFinalEvaluation(const std::string& run_dir, uint64_t policy_version,
                                  const std::vector<worlds::EpisodeResult>& real,
                                  const std::vector<worlds::EpisodeResult>& sim);

}  // namespace estuary::cli
