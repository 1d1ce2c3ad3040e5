// What both roles of an actor do first: learn the experiment, find the task, make sure that
// policies fit.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "actors/identity.h"
#include "common/client/learner_client.h"
#include "common/policy/policy.h"
#include "common/transition/schema.h"
#include "estuary/v1/experiment.pb.h"
#include "worlds/world.h"

namespace estuary::actor {

struct ActorOptions {
  Identity identity = Numbered(0);
  std::string learner;
  // Addresses of the shards; the rollout role only.
  std::vector<std::string> replay;
  // Where to serve Prometheus metrics; empty: nowhere.
  std::string metrics;
  // 0: as the experiment says.
  int environments = 0;
  // How long to wait at the start for learner and replay.
  absl::Duration patience = absl::InfiniteDuration();
};

struct Setup {
  v1::Experiment experiment;
  std::string run_id;
  worlds::TaskSpec task;
  transition::Schema schema;
};

// Asks the learner.
absl::StatusOr<Setup> Prepare(client::LearnerClient& learner, absl::Duration patience);

// `count` worlds of the experiment's task, with what its gap draws once for the actor `index`.
absl::StatusOr<std::vector<std::unique_ptr<worlds::World>>> MakeWorlds(const Setup& setup,
                                                                       worlds::Dynamics dynamics,
                                                                       int count, int index);

// Checks a version and that it is this run's and this task's. INVALID_ARGUMENT where it is damaged,
// FAILED_PRECONDITION where it is another's.
absl::StatusOr<std::shared_ptr<const policy::Policy>> LoadPolicy(const v1::PolicyVersion& version,
                                                                 const std::string& run_id,
                                                                 const transition::Schema& schema);

// OK instead of CANCELLED where the process was asked to stop.
absl::Status StoppedIsFine(const absl::Status& status);

}  // namespace estuary::actor
