// What a sweep has found so far: each cell's scores, seed by seed.
//
// A run's score is the mean return of its final policy over the sweep's evaluation episodes, never
// of its best checkpoint.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/report/run_data.h"
#include "cli/sweep/plan.h"

namespace estuary::cli {

struct SeedScore {
  uint64_t seed = 0;
  // Mean returns of the final policy; and the mean seconds that its episodes lasted in reality.
  double real = 0;
  double sim = 0;
  double real_seconds = 0;
  uint64_t gradient_steps = 0;
  // Index into SweepResults::runs.
  size_t run = 0;
};

struct CellResult {
  std::string row;
  std::string column;
  // Only the seeds that are done.
  std::vector<SeedScore> seeds;
  size_t seeds_planned = 0;
  std::optional<v1::PublishedScore> published;
};

struct SweepResults {
  std::vector<std::vector<CellResult>> cells;
  // Of every training that is done, once.
  std::vector<RunData> runs;
  size_t runs_planned = 0;
};

std::vector<double> RealReturns(const CellResult& cell);
std::vector<double> SimReturns(const CellResult& cell);

// Reads what is in `folder`, the sweep's. NOT_FOUND where no run is done.
absl::StatusOr<SweepResults> ReadSweepResults(const SweepPlan& plan, const std::string& folder);

}  // namespace estuary::cli
