#include "cli/evaluation/evaluate.h"

#include <cmath>
#include <map>

#include "absl/strings/str_cat.h"
#include "common/process/shutdown.h"
#include "common/process/status.h"

namespace estuary::cli {

absl::StatusOr<std::vector<worlds::EpisodeResult>> Evaluate(const policy::Policy& policy,
                                                            const EvaluateOptions& options,
                                                            worlds::RecordFunction record) {
  ESTUARY_ASSIGN_OR_RETURN(
      const std::unique_ptr<worlds::World> world,
      worlds::MakeWorld({.task = options.task, .dynamics = options.dynamics, .gap = options.gap}));
  const worlds::TaskSpec& task = world->spec();
  ESTUARY_RETURN_IF_ERROR(policy.CheckFits(task.name, task.observation_dim, task.action_dim));
  policy::Policy::Workspace workspace(policy, /*rows=*/1);
  worlds::Random random(options.seed);
  std::vector<worlds::EpisodeResult> episodes;
  for (int i = 0; i < options.episodes; ++i) {
    if (process::ShutdownRequested()) return absl::CancelledError("stopped");
    episodes.push_back(worlds::RunEpisode(
        *world, worlds::EpisodeKind::kEvaluation,
        [&](absl::Span<const float> observation, absl::Span<float> action) {
          policy.Act(observation, /*rows=*/1, workspace, action);
        },
        random, record));
  }
  return episodes;
}

std::string EpisodeEnd(const worlds::EpisodeResult& episode, const worlds::TaskSpec& task) {
  if (episode.terminated) return "fell";
  return episode.steps >= task.evaluation_steps ? "whole" : "left the area";
}

EvaluationSummary Summarize(const std::vector<worlds::EpisodeResult>& episodes,
                            double control_period) {
  EvaluationSummary summary;
  if (episodes.empty()) return summary;
  const double count = static_cast<double>(episodes.size());
  double squares = 0;
  for (const worlds::EpisodeResult& episode : episodes) {
    summary.mean_return += episode.total_reward / count;
    summary.mean_seconds += episode.steps * control_period / count;
    summary.terminated += episode.terminated ? 1 : 0;
    for (const auto& [name, value] : episode.figures) summary.figures[name] += value / count;
  }
  for (const worlds::EpisodeResult& episode : episodes) {
    const double difference = episode.total_reward - summary.mean_return;
    squares += difference * difference;
  }
  summary.std_return = std::sqrt(squares / count);
  return summary;
}

absl::StatusOr<std::shared_ptr<const policy::Policy>> LoadPolicy(const std::string& path) {
  ESTUARY_ASSIGN_OR_RETURN(const v1::PolicyVersion version, policy::ReadPolicyFile(path));
  absl::StatusOr<std::shared_ptr<const policy::Policy>> policy = policy::Policy::FromProto(version);
  if (!policy.ok()) return process::Annotate(policy.status(), path);
  return policy;
}

absl::StatusOr<worlds::TaskSpec> TaskOf(const policy::Policy& policy, const std::string& given) {
  ESTUARY_ASSIGN_OR_RETURN(worlds::TaskSpec task,
                           worlds::FindTask(given.empty() ? policy.task() : given));
  ESTUARY_RETURN_IF_ERROR(policy.CheckFits(task.name, task.observation_dim, task.action_dim));
  return task;
}

}  // namespace estuary::cli
