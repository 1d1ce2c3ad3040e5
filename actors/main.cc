#include "common/process/main.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "actors/actor_metric_families.h"
#include "actors/evaluate.h"
#include "actors/rollout.h"
#include "common/client/replay_shards.h"
#include "common/process/process_context.h"
#include "common/process/security.h"
#include "common/process/status.h"

ABSL_FLAG(std::string, role, "rollout",
          "rollout: simulated transitions into the replay; evaluate: episodes of the deterministic "
          "policy on real and simulated dynamics, reported to the learner");
ABSL_FLAG(int32_t, index, 0, "which of the run's actors this is; names its rows' sequence");
ABSL_FLAG(
    bool, replica, false,
    "one of several started alike (scaled containers, pods): goes by its host's name instead of "
    "--index");
ABSL_FLAG(std::string, learner, "", "the learner's address: unix:/path or host:port");
ABSL_FLAG(std::string, replay, "", "the shards' addresses, comma-separated, in the run's order");
ABSL_FLAG(std::string, metrics, "",
          "serve Prometheus metrics here, 127.0.0.1:9103; empty: nowhere");
ABSL_FLAG(int32_t, environments, 0, "simulators stepped together; 0: as the experiment says");
ABSL_FLAG(absl::Duration, patience, absl::InfiniteDuration(),
          "how long to wait for learner and replay at the start");

namespace estuary::actor {
namespace {

absl::Status Run(const std::vector<std::string>&) {
  ActorOptions options{.identity = Numbered(absl::GetFlag(FLAGS_index)),
                       .learner = absl::GetFlag(FLAGS_learner),
                       .replay = {},
                       .metrics = absl::GetFlag(FLAGS_metrics),
                       .environments = absl::GetFlag(FLAGS_environments),
                       .patience = absl::GetFlag(FLAGS_patience)};
  if (options.learner.empty()) {
    return absl::InvalidArgumentError("--learner is needed: the learner's address");
  }
  ESTUARY_RETURN_IF_ERROR(process::CheckPeerAddress(options.learner));
  if (options.identity.index < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("--index is ", options.identity.index, "; it counts from 0"));
  }
  if (absl::GetFlag(FLAGS_replica)) {
    if (options.identity.index != 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--index=", options.identity.index, " and --replica both name this actor; give one"));
    }
    ESTUARY_ASSIGN_OR_RETURN(options.identity, ReplicaHere());
  }
  if (options.environments < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("--environments is ", options.environments, "; at least 1"));
  }
  const std::string role = absl::GetFlag(FLAGS_role);
  if (role == "evaluate") {
    process::SetPart("evaluator");
    process::SetName(options.identity.replica ? options.identity.name
                                              : absl::StrCat("evaluator-", options.identity.index),
                     "actor");
    return RunEvaluate(options);
  }
  if (role != "rollout") {
    return absl::InvalidArgumentError(
        absl::StrCat("--role is '", role, "'; it may be rollout or evaluate"));
  }
  if (absl::GetFlag(FLAGS_replay).empty()) {
    return absl::InvalidArgumentError("--replay is needed: the shards' addresses");
  }
  ESTUARY_ASSIGN_OR_RETURN(options.replay, client::ParseShards(absl::GetFlag(FLAGS_replay)));
  process::SetName(options.identity.name, "actor");
  return RunRollout(options);
}

}  // namespace
}  // namespace estuary::actor

int main(int argc, char** argv) {
  return estuary::process::Main(
      argc, argv,
      {.name = "estuary-actor",
       .about = "Steps simulators by the learner's newest policy and appends what happens to the "
                "replay (--role=rollout), or evaluates policy versions (--role=evaluate).",
       .part = "actor",
       .metrics = estuary::actor::kActorMetricFamilies},
      &estuary::actor::Run);
}
