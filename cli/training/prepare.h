// What must be right before a training starts anything: the experiment, its dataset, its folder.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "estuary/v1/experiment.pb.h"
#include "worlds/world.h"

namespace estuary::cli {

// What the command line says, over what the experiment's file says.
struct TrainingOptions {
  std::string experiment_path;
  // Empty: the experiment's own.
  std::string name;
  std::optional<uint64_t> seed;
  // Further fields of an experiment, as text (settings.h).
  std::string settings;
  // Another dataset than the experiment's.
  std::string dataset;
  bool deterministic = false;
  // The folder that holds the runs' folders.
  std::string runs = "runs";
  bool resume = false;
  std::string metrics;
};

struct PreparedTraining {
  // Effective; dataset.transitions is what will be imported.
  v1::Experiment experiment;
  worlds::TaskSpec task;
  std::string run_dir;
  // The folder holds a run to go on with.
  bool resume = false;
  // That run has ended already: there is nothing to do.
  bool finished = false;
  std::string metrics;
};

struct CheckedExperiment {
  // Effective, as in PreparedTraining.
  v1::Experiment experiment;
  worlds::TaskSpec task;
};

// Reads and checks the experiment and its dataset. Creates nothing; options that say where a run
// goes mean nothing here.
absl::StatusOr<CheckedExperiment> CheckExperiment(const TrainingOptions& options);

// The same, and creates the run's folder. Errors name the file, the row or the field; nothing has
// been created then.
absl::StatusOr<PreparedTraining> PrepareTraining(const TrainingOptions& options);

}  // namespace estuary::cli
