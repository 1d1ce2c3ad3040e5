#include "cli/evaluation/evaluation_file.h"

#include <map>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "cli/report/run_data.h"
#include "common/process/files.h"

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

}  // namespace estuary::cli
