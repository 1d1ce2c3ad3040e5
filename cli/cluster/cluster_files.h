// The files that a cluster's processes are started with where others than `estuary train` start
// them: containers, pods, a person on several machines. One folder:
//
//   experiment.textproto  effective, for estuary-learner --experiment
//   tables.textproto      for estuary-replay --table_config; table real has the columns of a robot
//   dataset.h5            made by the task's operator, where the algorithm needs real data and no
//                         other file was given
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "cli/training/prepare.h"

namespace estuary::cli {

struct ClusterFilesOptions {
  // name, seed, settings, dataset and experiment_path count.
  TrainingOptions training;
  std::string folder;
  // Instead of the experiment's cluster.shards.
  std::optional<uint64_t> shards;
  // Rows of a dataset that is made here.
  uint64_t transitions = 100'000;
};

// Writes the folder; again with the same options it changes nothing, and a dataset that is there is
// kept. FAILED_PRECONDITION where the folder is of another experiment: shards and runs that began
// with that one could not go on. Errors else as CheckExperiment.
absl::StatusOr<CheckedExperiment> WriteClusterFiles(const ClusterFilesOptions& options);

// The effective experiment of such a folder.
absl::StatusOr<v1::Experiment> ReadClusterExperiment(const std::string& folder);

}  // namespace estuary::cli
