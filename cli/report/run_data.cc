#include "cli/report/run_data.h"

#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "cli/drive/drive_file.h"
#include "common/process/status.h"
#include "common/process/textproto.h"

namespace estuary::cli {
namespace {

using nlohmann::json;

double Mean(const std::vector<double>& values) {
  if (values.empty()) return 0;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// Lines that are no JSON object are skipped: a crash tears the last one.
void ForEachLine(const std::string& path, const std::function<void(const json&)>& visit) {
  std::ifstream file(path);
  std::string text;
  while (std::getline(file, text)) {
    const json line = json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (line.is_object()) visit(line);
  }
}

double Number(const json& line, const char* name) {
  const auto found = line.find(name);
  return found != line.end() && found->is_number() ? found->get<double>() : 0;
}

std::vector<double> Numbers(const json& values) {
  std::vector<double> numbers;
  if (!values.is_array()) return numbers;
  for (const json& value : values) {
    if (value.is_number()) numbers.push_back(value.get<double>());
  }
  return numbers;
}

MetricPoint ToMetric(const json& line) {
  MetricPoint point{.gradient_steps = Number(line, "gradient_steps"),
                    .environment_steps = Number(line, "environment_steps"),
                    .seconds = Number(line, "seconds"),
                    .values = {}};
  for (const auto& [name, value] : line.items()) {
    if (value.is_number()) point.values[name] = value.get<double>();
  }
  return point;
}

EvaluationPoint ToEvaluation(const json& line) {
  EvaluationPoint point;
  point.policy_version = static_cast<uint64_t>(Number(line, "policy_version"));
  point.gradient_steps = Number(line, "gradient_steps");
  if (line.contains("dynamics") && line["dynamics"].is_string()) {
    point.dynamics = line["dynamics"].get<std::string>();
  }
  if (line.contains("returns")) point.returns = Numbers(line["returns"]);
  if (line.contains("steps")) point.steps = Numbers(line["steps"]);
  if (line.contains("terminated") && line["terminated"].is_array()) {
    for (const json& end : line["terminated"]) point.terminated += end == json(true) ? 1 : 0;
  }
  if (line.contains("figures") && line["figures"].is_object()) {
    for (const auto& [name, values] : line["figures"].items()) {
      point.figures[name] = Mean(Numbers(values));
    }
  }
  return point;
}

}  // namespace

double EvaluationPoint::MeanReturn() const { return Mean(returns); }

double EvaluationPoint::MeanSteps() const { return Mean(steps); }

absl::StatusOr<RunData> ReadRun(const std::string& folder) {
  RunData run;
  run.folder = folder;
  const std::string experiment = folder + "/experiment.textproto";
  std::error_code error;
  if (!std::filesystem::exists(experiment, error)) {
    return absl::NotFoundError(
        absl::StrCat("'", folder, "' holds no run: there is no ", experiment));
  }
  ESTUARY_RETURN_IF_ERROR(process::ReadTextProto(experiment, &run.experiment));
  ForEachLine(folder + "/metrics.jsonl",
              [&](const json& line) { run.metrics.push_back(ToMetric(line)); });
  ForEachLine(folder + "/evaluations.jsonl",
              [&](const json& line) { run.evaluations.push_back(ToEvaluation(line)); });
  ForEachLine(absl::StrCat(folder, "/", kFinalEvaluationFile), [&](const json& line) {
    EvaluationPoint point = ToEvaluation(line);
    run.final_evaluation[point.dynamics] = std::move(point);
  });
  // A short evaluation of the final policy is better than none.
  for (const EvaluationPoint& point : run.evaluations) {
    const auto [place, added] = run.final_evaluation.try_emplace(point.dynamics, point);
    const bool longer = std::filesystem::exists(absl::StrCat(folder, "/", kFinalEvaluationFile));
    if (!added && !longer && point.policy_version >= place->second.policy_version) {
      place->second = point;
    }
  }
  const std::string drive = absl::StrCat(folder, "/", kDriveFile);
  if (std::filesystem::exists(drive, error)) {
    ESTUARY_ASSIGN_OR_RETURN(run.drive, ReadDriveFile(drive));
    run.episode = RecordedEpisode{.track = run.drive->track,
                                  .seconds = run.drive->seconds,
                                  .end = DriveEndName(run.drive->end)};
  }
  const std::string episode = absl::StrCat(folder, "/", kFinalEpisodeFile);
  if (!run.episode && std::filesystem::exists(episode, error)) {
    ESTUARY_ASSIGN_OR_RETURN(run.episode, ReadRecordedEpisode(episode));
  }
  return run;
}

}  // namespace estuary::cli
