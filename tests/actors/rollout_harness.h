// A rollout loop over scripted worlds with a sink that keeps everything.
#pragma once

#include <memory>
#include <vector>

#include "actors/rollout_loop.h"
#include "common/process/metrics.h"
#include "tests/actors/collecting_sink.h"
#include "tests/actors/scripted_world.h"
#include "tests/common/policy/policies.h"

namespace estuary::actor::testing {

inline ReadyPolicy MakeReadyPolicy(uint64_t version, int rows, uint64_t steps_limit = 0) {
  auto policy = policy::Policy::FromProto(
      policy::testing::MakePolicyVersion({.task = ScriptedWorld::kTask,
                                          .observation_dim = ScriptedWorld::kObservationDim,
                                          .action_dim = ScriptedWorld::kActionDim,
                                          .hidden = {32, 32},
                                          .version = version,
                                          .seed = version}));
  ReadyPolicy ready{.policy = *policy, .steps_limit = steps_limit};
  ready.workspace.emplace(**policy, rows);
  return ready;
}

inline transition::Schema ScriptedSchema() {
  return transition::Schema::Standard(ScriptedWorld::kTask, ScriptedWorld::kObservationDim,
                                      ScriptedWorld::kActionDim, 5000);
}

struct RolloutHarness {
  RolloutHarness(const RolloutConfig& config, const std::vector<ScriptedWorld::Script>& scripts)
      : metrics(registry),
        loop(config, ScriptedSchema(), ScriptedWorlds(scripts), inbox, sink, metrics) {}

  // Runs until the sink has so many rows.
  absl::Status RunUntil(size_t rows) {
    return loop.Run([this, rows] { return sink.rows.size() >= rows; });
  }

  process::Metrics registry;
  ActorMetrics metrics;
  PolicyInbox inbox;
  CollectingSink sink;
  RolloutLoop loop;
};

}  // namespace estuary::actor::testing
