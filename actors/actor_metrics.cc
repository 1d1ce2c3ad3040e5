#include "actors/actor_metrics.h"

namespace estuary::actor {

ActorMetrics::ActorMetrics(process::Metrics& m)
    : steps_(m.Counter("estuary_actor_env_steps_total", "Simulator steps recorded")),
      random_steps_(m.Counter("estuary_actor_random_steps_total",
                              "Of those, steps with uniform random actions")),
      terminated_(m.Counter("estuary_actor_episodes_total", "Episodes that ended, by how",
                            {{"end", "terminated"}})),
      truncated_(m.Counter("estuary_actor_episodes_total", "Episodes that ended, by how",
                           {{"end", "truncated"}})),
      dropped_(m.Counter("estuary_actor_dropped_episodes_total",
                         "Episodes given up because the simulation diverged")),
      blocks_(m.Counter("estuary_actor_blocks_total", "Blocks handed to the replay's writer")),
      waited_for_replay_(m.Counter("estuary_actor_wait_seconds_total",
                                   "Time in which the simulators stood still, by for whom",
                                   {{"for", "replay"}})),
      waited_for_policy_(m.Counter("estuary_actor_wait_seconds_total",
                                   "Time in which the simulators stood still, by for whom",
                                   {{"for", "policy"}})),
      refused_policies_(m.Counter("estuary_actor_refused_policies_total",
                                  "Policy versions that were not what they must be")),
      evaluated_episodes_(
          m.Counter("estuary_actor_evaluated_episodes_total", "Evaluation episodes run")),
      evaluated_steps_(m.Counter("estuary_actor_evaluated_steps_total", "Their steps")),
      episode_return_(m.Gauge("estuary_actor_episode_return",
                              "Mean return of the episodes that ended within the last block "
                              "that saw any end")),
      policy_version_(m.Gauge("estuary_actor_policy_version", "Version that the actor acts by")),
      unacknowledged_rows_(
          m.Gauge("estuary_actor_unacknowledged_rows", "Rows made that the replay has not stored")),
      lost_rows_(m.Gauge("estuary_actor_lost_rows",
                         "Rows that were acknowledged and died with their shard")),
      policy_age_(
          m.Gauge("estuary_actor_policy_age_seconds", "Since the policy in use was received")),
      learner_away_(m.Gauge("estuary_actor_learner_away_seconds",
                            "How long the learner has been away; 0 while it is there")) {}

void ActorMetrics::Fold(const RolloutCounts& counts) {
  steps_.Increment(static_cast<double>(counts.steps));
  random_steps_.Increment(static_cast<double>(counts.random_steps));
  terminated_.Increment(static_cast<double>(counts.terminated));
  truncated_.Increment(static_cast<double>(counts.truncated));
  dropped_.Increment(static_cast<double>(counts.dropped));
  blocks_.Increment(static_cast<double>(counts.blocks));
  waited_for_replay_.Increment(counts.waited_for_replay);
  waited_for_policy_.Increment(counts.waited_for_policy);
  const uint64_t ended = counts.terminated + counts.truncated;
  if (ended > 0) episode_return_.Set(counts.return_sum / static_cast<double>(ended));
}

void ActorMetrics::SetPolicy(uint64_t version) {
  policy_version_.Set(static_cast<double>(version));
}

void ActorMetrics::SetLag(uint64_t unacknowledged_rows, uint64_t lost_rows,
                          double policy_age_seconds, double learner_away_seconds) {
  unacknowledged_rows_.Set(static_cast<double>(unacknowledged_rows));
  lost_rows_.Set(static_cast<double>(lost_rows));
  policy_age_.Set(policy_age_seconds);
  learner_away_.Set(learner_away_seconds);
}

void ActorMetrics::AddEvaluation(uint64_t episodes, uint64_t steps) {
  evaluated_episodes_.Increment(static_cast<double>(episodes));
  evaluated_steps_.Increment(static_cast<double>(steps));
}

}  // namespace estuary::actor
