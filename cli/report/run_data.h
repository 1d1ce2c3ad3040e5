// What a run left in its folder, read back for a report. Missing files are empty parts: a report of
// a run that was stopped half-way is still worth having.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/drive/drive_data.h"
#include "cli/track/recorded_episode.h"
#include "estuary/v1/experiment.pb.h"

namespace estuary::cli {

// One line of metrics.jsonl.
struct MetricPoint {
  double gradient_steps = 0;
  double environment_steps = 0;
  double seconds = 0;
  std::map<std::string, double> values;
};

// One line of evaluations.jsonl, or of final_evaluation.jsonl.
struct EvaluationPoint {
  uint64_t policy_version = 0;
  double gradient_steps = 0;
  // "real" or "sim".
  std::string dynamics;
  std::vector<double> returns;
  std::vector<double> steps;
  int terminated = 0;
  // Mean over the episodes, by name.
  std::map<std::string, double> figures;

  double MeanReturn() const;
  double MeanSteps() const;
};

struct RunData {
  std::string folder;
  v1::Experiment experiment;
  std::vector<MetricPoint> metrics;
  std::vector<EvaluationPoint> evaluations;
  // Of the final policy over more episodes, by dynamics.
  std::map<std::string, EvaluationPoint> final_evaluation;
  std::optional<DriveData> drive;
  // Of the drive where there is one, else the final policy's first episode of the evaluation.
  std::optional<RecordedEpisode> episode;

  std::string algorithm() const { return experiment.algorithm().name(); }
};

// NOT_FOUND where the folder holds no run.
absl::StatusOr<RunData> ReadRun(const std::string& folder);

// File names within a run's folder.
inline constexpr char kFinalEvaluationFile[] = "final_evaluation.jsonl";
inline constexpr char kFinalEpisodeFile[] = "final_episode.h5";
inline constexpr char kDriveFile[] = "drive.h5";
inline constexpr char kReportFile[] = "report.html";

// Of the learner's metrics: the mean gap u of the newest simulated batch, and the mean ratio that
// weighs its errors.
inline constexpr char kGapMetric[] = "u/mean";
inline constexpr char kRatioMetric[] = "ratio/mean";

}  // namespace estuary::cli
