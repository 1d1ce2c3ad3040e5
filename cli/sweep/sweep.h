// Trains every run of a sweep, as many at once as the machine bears, and evaluates each final
// policy in both dynamics. Runs that are done are left alone and runs that were stopped go on, so
// that a sweep may be stopped and started again at any time, and spread over machines in parts.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "cli/sweep/plan.h"

namespace estuary::cli {

struct SweepOptions {
  // Holds a folder for each sweep.
  std::string runs = "runs";
  // Trainings at once; 0: one a processor.
  uint64_t jobs = 0;
  // Of `parts` equal shares of the runs, the one to do here: every parts-th run from `part` on.
  uint64_t part = 0;
  uint64_t parts = 1;
};

// The folder of a sweep's runs, which another sweep may share.
std::string SweepFolder(const SweepPlan& plan, const std::string& runs);
// Where its report goes.
std::string SweepReportFolder(const SweepPlan& plan, const std::string& runs);

// Records the episodes that the report shows of runs that are done and lack them, as those of an
// older version.
absl::Status RecordEpisodes(const SweepPlan& plan, const std::string& folder);

// A run that fails does not end the others; at the end they are named. CANCELLED on Ctrl-C.
absl::Status RunSweep(const SweepPlan& plan, const SweepOptions& options);

}  // namespace estuary::cli
