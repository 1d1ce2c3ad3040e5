// Episodes of a deterministic policy in this process: what a policy is worth, in either dynamics.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/policy/policy.h"
#include "estuary/v1/experiment.pb.h"
#include "worlds/episode.h"
#include "worlds/world.h"

namespace estuary::cli {

struct EvaluateOptions {
  std::string task;
  worlds::Dynamics dynamics = worlds::Dynamics::kReal;
  v1::Gap gap = {};
  int episodes = 10;
  uint64_t seed = 1;
};

// The task's evaluation protocol, episode by episode. The same seed gives the same episodes to
// every policy. FAILED_PRECONDITION where the policy does not fit the task.
absl::StatusOr<std::vector<worlds::EpisodeResult>> Evaluate(
    const policy::Policy& policy, const EvaluateOptions& options,
    worlds::RecordFunction record = [](const worlds::EpisodeStep&) {});

// "whole", "fell", "left the area".
std::string EpisodeEnd(const worlds::EpisodeResult& episode, const worlds::TaskSpec& task);

struct EvaluationSummary {
  double mean_return = 0;
  double std_return = 0;
  double mean_seconds = 0;
  int terminated = 0;
  // Mean of each figure of the task over the episodes ("max_abs_x").
  std::map<std::string, double> figures;
};

EvaluationSummary Summarize(const std::vector<worlds::EpisodeResult>& episodes,
                            double control_period);

// Reads and checks a policy file.
absl::StatusOr<std::shared_ptr<const policy::Policy>> LoadPolicy(const std::string& path);

// The task's name: `given`, or the policy's own where that is empty.
absl::StatusOr<worlds::TaskSpec> TaskOf(const policy::Policy& policy, const std::string& given);

}  // namespace estuary::cli
