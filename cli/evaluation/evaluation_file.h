// The final policy's evaluation in a run's folder: final_evaluation.jsonl, a line for each of the
// two dynamics, with the fields of the learner's evaluations.jsonl; and the first of its episodes.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "cli/evaluation/evaluate.h"
#include "worlds/episode.h"

namespace estuary::cli {

// Every final policy meets the same starts.
inline constexpr uint64_t kFinalEvaluationSeed = 1;

// Runs `episodes` of run_dir's final policy in either dynamics and writes the file.
absl::Status EvaluateFinalPolicy(const std::string& run_dir, const std::string& task,
                                 const v1::Gap& gap, int episodes);

// What the final policy does in the first of those episodes in reality, step by step, as
// final_episode.h5. Leaves a file that is there alone.
absl::Status RecordFinalEpisode(const std::string& run_dir, const std::string& task);

// Replaces the file.
absl::Status WriteFinalEvaluation(const std::string& run_dir, uint64_t policy_version,
                                  const std::vector<worlds::EpisodeResult>& real,
                                  const std::vector<worlds::EpisodeResult>& sim);

}  // namespace estuary::cli
