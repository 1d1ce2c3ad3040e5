#include "cli/sweep/results.h"

#include <filesystem>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/process/status.h"
#include "worlds/world.h"

namespace estuary::cli {
namespace {

absl::StatusOr<SeedScore> ScoreOf(const RunData& run, size_t index) {
  const auto real = run.final_evaluation.find("real");
  const auto sim = run.final_evaluation.find("sim");
  if (real == run.final_evaluation.end() || sim == run.final_evaluation.end()) {
    return absl::DataLossError(
        absl::StrCat(run.folder, "/", kFinalEvaluationFile,
                     " lacks one of the two dynamics; delete it and run the sweep again"));
  }
  ESTUARY_ASSIGN_OR_RETURN(const worlds::TaskSpec task, worlds::FindTask(run.experiment.task()));
  return SeedScore{.seed = run.experiment.seed(),
                   .real = real->second.MeanReturn(),
                   .sim = sim->second.MeanReturn(),
                   .real_seconds = real->second.MeanSteps() * task.control_period,
                   .gradient_steps = run.experiment.budget().gradient_steps(),
                   .run = index};
}

std::vector<double> Collect(const CellResult& cell, double SeedScore::*score) {
  std::vector<double> values;
  for (const SeedScore& seed : cell.seeds) values.push_back(seed.*score);
  return values;
}

}  // namespace

std::vector<double> RealReturns(const CellResult& cell) { return Collect(cell, &SeedScore::real); }

std::vector<double> SimReturns(const CellResult& cell) { return Collect(cell, &SeedScore::sim); }

absl::StatusOr<SweepResults> ReadSweepResults(const SweepPlan& plan, const std::string& folder) {
  SweepResults results;
  results.runs_planned = plan.runs.size();
  std::map<size_t, SeedScore> scores;
  for (size_t i = 0; i < plan.runs.size(); ++i) {
    const std::string run_folder = absl::StrCat(folder, "/", plan.runs[i].name);
    std::error_code error;
    if (!std::filesystem::exists(absl::StrCat(run_folder, "/", kFinalEvaluationFile), error)) {
      continue;
    }
    ESTUARY_ASSIGN_OR_RETURN(RunData run, ReadRun(run_folder));
    ESTUARY_ASSIGN_OR_RETURN(scores[i], ScoreOf(run, results.runs.size()));
    results.runs.push_back(std::move(run));
  }
  if (scores.empty()) {
    return absl::NotFoundError(absl::StrCat("'", folder,
                                            "' holds no training that is done; run "
                                            "`estuary sweep ",
                                            plan.name, "` first"));
  }
  for (int r = 0; r < plan.sweep.rows_size(); ++r) {
    auto& row = results.cells.emplace_back();
    for (int c = 0; c < plan.sweep.columns_size(); ++c) {
      CellResult& cell = row.emplace_back();
      cell.row = plan.sweep.rows(r).label();
      cell.column = plan.sweep.columns(c).label();
      cell.seeds_planned = plan.cells[r][c].size();
      for (const size_t run : plan.cells[r][c]) {
        const auto found = scores.find(run);
        if (found != scores.end()) cell.seeds.push_back(found->second);
      }
      for (const v1::PublishedScore& score : plan.sweep.published()) {
        if (score.row() == cell.row && score.column() == cell.column) cell.published = score;
      }
    }
  }
  return results;
}

}  // namespace estuary::cli
