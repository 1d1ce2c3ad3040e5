// Which processes an experiment needs on one machine, and how each is called. Nothing is started
// here.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/cluster/scratch_folder.h"
#include "cli/cluster/supervisor.h"
#include "common/transition/schema.h"
#include "estuary/v1/experiment.pb.h"
#include "estuary/v1/replay.pb.h"
#include "worlds/world.h"

namespace estuary::cli {

struct ClusterPlan {
  // In the order in which they start.
  std::vector<ChildSpec> children;
  // The shard map, and where the learner listens.
  std::vector<std::string> shards;
  std::string learner;
};

struct ClusterOptions {
  // Effective: every default filled in.
  v1::Experiment experiment;
  worlds::TaskSpec task;
  std::string run_dir;
  // The run's name on the wire.
  std::string run_id;
  // The run folder holds a run to go on with.
  bool resume = false;
  // "127.0.0.1:9100": every process serves its metrics, each on the next port. Empty: none does.
  std::string metrics;
};

// Writes the processes' configuration files into `scratch`.
absl::StatusOr<ClusterPlan> PlanCluster(const ClusterOptions& options,
                                        const ScratchFolder& scratch);

// Tables real and sim of one shard.
v1::TableConfigs TablesOf(const v1::Experiment& experiment, const transition::Schema& real_schema,
                          const transition::Schema& sim_schema);

// The i-th address from "host:port" on; INVALID_ARGUMENT for one that is none. Empty stays empty.
absl::StatusOr<std::string> NthMetricsAddress(const std::string& first, int i);

}  // namespace estuary::cli
