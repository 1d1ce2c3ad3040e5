#include "cli/evaluation/evaluation_file.h"

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "cli/report/run_data.h"
#include "cli/track/recorded_episode.h"
#include "common/process/files.h"
#include "common/process/status.h"

namespace estuary::cli {
namespace {

std::string Line(uint64_t policy_version, const std::string& dynamics,
                 const std::vector<worlds::EpisodeResult>& episodes) {
  nlohmann::json line = {
      {"policy_version", policy_version},      {"dynamics", dynamics},
      {"returns", nlohmann::json::array()},    {"steps", nlohmann::json::array()},
      {"terminated", nlohmann::json::array()}, {"figures", nlohmann::json::object()}};
  for (const worlds::EpisodeResult& episode : episodes) {
    line["returns"].push_back(episode.total_reward);
    line["steps"].push_back(episode.steps);
    line["terminated"].push_back(episode.terminated);
    for (const auto& [name, value] : episode.figures) line["figures"][name].push_back(value);
  }
  return line.dump() + "\n";
}

}  // namespace

absl::Status WriteFinalEvaluation(const std::string& run_dir, uint64_t policy_version,
                                  const std::vector<worlds::EpisodeResult>& real,
                                  const std::vector<worlds::EpisodeResult>& sim) {
  return process::WriteFileAtomically(
      absl::StrCat(run_dir, "/", kFinalEvaluationFile),
      Line(policy_version, "real", real) + Line(policy_version, "sim", sim));
}

absl::Status RecordFinalEpisode(const std::string& run_dir, const std::string& task) {
  const std::string path = absl::StrCat(run_dir, "/", kFinalEpisodeFile);
  std::error_code error;
  if (std::filesystem::exists(path, error)) return absl::OkStatus();
  ESTUARY_ASSIGN_OR_RETURN(const auto policy, LoadPolicy(run_dir + "/final_policy.pb"));
  ESTUARY_ASSIGN_OR_RETURN(const worlds::TaskSpec spec, TaskOf(*policy, task));
  RecordedEpisode recorded{.track = {.observation_dim = spec.observation_dim}};
  std::vector<float> observation(spec.observation_dim);
  ESTUARY_ASSIGN_OR_RETURN(
      const auto episodes,
      Evaluate(*policy,
               {.task = task,
                .dynamics = worlds::Dynamics::kReal,
                .episodes = 1,
                .seed = kFinalEvaluationSeed},
               [&](const worlds::EpisodeStep& step) {
                 observation.assign(step.observation.begin(), step.observation.end());
                 recorded.track.Add(step.step * spec.control_period, observation,
                                    static_cast<float>(step.result.reward));
               }));
  recorded.seconds = episodes[0].steps * spec.control_period;
  recorded.end = EpisodeEnd(episodes[0], spec);
  return WriteRecordedEpisode(recorded, path);
}

absl::Status EvaluateFinalPolicy(const std::string& run_dir, const std::string& task,
                                 const v1::Gap& gap, int episodes) {
  ESTUARY_ASSIGN_OR_RETURN(const auto policy, LoadPolicy(run_dir + "/final_policy.pb"));
  EvaluateOptions options{.task = task,
                          .dynamics = worlds::Dynamics::kReal,
                          .gap = gap,
                          .episodes = episodes,
                          .seed = kFinalEvaluationSeed};
  ESTUARY_ASSIGN_OR_RETURN(const auto real, Evaluate(*policy, options));
  options.dynamics = worlds::Dynamics::kSim;
  ESTUARY_ASSIGN_OR_RETURN(const auto sim, Evaluate(*policy, options));
  return WriteFinalEvaluation(run_dir, policy->version(), real, sim);
}

}  // namespace estuary::cli
