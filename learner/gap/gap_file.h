// The dynamics gap at given transitions, as every checkpoint that a run kept measures it: one HDF5
// file, read and added to. Reports draw the paper's Figure 3 of it.
//
// The file has /observations [n, obs], /actions [n, act] and /next_observations [n, obs]. Added are
// /gradient_steps [k] of the checkpoints, oldest first, and where the algorithm computes them /u,
// /log_ratio and /q, [k, n] each.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace estuary::learner {

// NOT_FOUND where the run folder has no checkpoints; FAILED_PRECONDITION where its algorithm has no
// discriminators. Errors name the file or the checkpoint. The run may be going on.
absl::Status AddGapMeasures(const std::string& run_dir, const std::string& path);

}  // namespace estuary::learner
