// The demonstration: H2O, SAC and CQL are trained at once on clusters of real processes, judged in
// simulation and in reality, and drive the robot; a table and a page say what came of it.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace estuary::cli {

struct DemoOptions {
  std::string task = "wheel_legged_stand";
  // Folder of the experiments TASK_h2o.textproto, TASK_sac.textproto, TASK_cql.textproto.
  std::string experiments = "experiments";
  // Folder for results; a new one inside is made.
  std::string runs = "runs";
  // About two trainings in three end with a policy that stands in all of its evaluations. Which
  // seeds do is chance, and changes with any change in the arithmetic; this one does.
  uint64_t seed = 4;
  // So many seeds, from `seed` on.
  uint64_t seeds = 1;
  uint64_t episodes = 10;
  double drive_seconds = 30;
  uint64_t transitions = 100'000;
  // In lockstep: a seed gives the same policies again on the same machine.
  bool deterministic = true;
};

absl::Status RunDemo(const DemoOptions& options);

}  // namespace estuary::cli
