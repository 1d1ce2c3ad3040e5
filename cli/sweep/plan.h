// A sweep worked out: which trainings its table needs. Cells that come to the same training share
// it: SAC does not depend on the dataset, CQL not on the simulator.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "estuary/v1/experiment.pb.h"
#include "estuary/v1/sweep.pb.h"

namespace estuary::cli {

struct SweepRun {
  // "medium_gravity-h2o-seed-1"; also its folder's name.
  std::string name;
  // Name and seed are set; defaults are not filled in.
  v1::Experiment experiment;
};

struct SweepPlan {
  // Of the sweep's file, without its ending.
  std::string name;
  v1::Sweep sweep;
  std::vector<SweepRun> runs;
  // cells[row][column][seed]: index into runs.
  std::vector<std::vector<std::vector<size_t>>> cells;
};

// Where experiments/sweeps/ is looked for, relative to the working directory.
inline constexpr char kSweepsFolder[] = "experiments/sweeps";

// `name_or_path`: a file, or the name of one in experiments/sweeps. NOT_FOUND lists those there
// are; INVALID_ARGUMENT names the cell whose experiment cannot work.
absl::StatusOr<SweepPlan> PlanSweep(const std::string& name_or_path);

// "Joint noise" -> "joint_noise", as names of runs and files may be.
std::string Slug(const std::string& label);

// The names in experiments/sweeps.
std::vector<std::string> SweepNames();

}  // namespace estuary::cli
