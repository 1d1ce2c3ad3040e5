#include "actors/actor_metrics.h"

#include "absl/time/clock.h"
#include "actors/actor_metric_families.h"
#include "common/process/process_context.h"

namespace estuary::actor {
namespace {

void ShowPolicy(uint64_t version, prometheus::Gauge& gauge, process::AgeGauge& age) {
  gauge.Set(static_cast<double>(version));
  age.Set(absl::Now());
  process::SetPolicyVersion(version);
}

}  // namespace

ActorMetrics::ActorMetrics(process::Metrics& m)
    : steps_(m.Counter(Family("estuary_actor_env_steps_total"))),
      random_steps_(m.Counter(Family("estuary_actor_random_steps_total"))),
      terminated_(m.Counter(Family("estuary_actor_episodes_total"), {{"end", "terminated"}})),
      truncated_(m.Counter(Family("estuary_actor_episodes_total"), {{"end", "truncated"}})),
      dropped_(m.Counter(Family("estuary_actor_dropped_episodes_total"))),
      blocks_(m.Counter(Family("estuary_actor_blocks_total"))),
      waited_for_replay_(
          m.Counter(Family("estuary_actor_wait_seconds_total"), {{"for", "replay"}})),
      waited_for_policy_(
          m.Counter(Family("estuary_actor_wait_seconds_total"), {{"for", "policy"}})),
      refused_policies_(m.Counter(Family("estuary_actor_refused_policies_total"))),
      lost_rows_(m.Counter(Family("estuary_actor_lost_rows_total"))),
      environments_(m.Gauge(Family("estuary_actor_environments"))),
      episode_return_(m.Gauge(Family("estuary_actor_episode_return"))),
      episode_steps_(m.Gauge(Family("estuary_actor_episode_steps"))),
      policy_version_(m.Gauge(Family("estuary_actor_policy_version"))),
      unacknowledged_rows_(m.Gauge(Family("estuary_actor_unacknowledged_rows"))),
      policy_age_(m.Age(Family("estuary_actor_policy_age_seconds"))),
      learner_away_(m.Gauge(Family("estuary_actor_learner_away_seconds"))) {}

void ActorMetrics::Fold(const RolloutCounts& counts) {
  steps_.Increment(static_cast<double>(counts.steps));
  random_steps_.Increment(static_cast<double>(counts.random_steps));
  terminated_.Increment(static_cast<double>(counts.terminated));
  truncated_.Increment(static_cast<double>(counts.truncated));
  dropped_.Increment(static_cast<double>(counts.dropped));
  blocks_.Increment(static_cast<double>(counts.blocks));
  waited_for_replay_.Increment(counts.waited_for_replay);
  waited_for_policy_.Increment(counts.waited_for_policy);
  const auto ended = static_cast<double>(counts.terminated + counts.truncated);
  if (ended == 0) return;
  episode_return_.Set(counts.return_sum / ended);
  episode_steps_.Set(static_cast<double>(counts.length_sum) / ended);
}

void ActorMetrics::SetPolicy(uint64_t version) {
  ShowPolicy(version, policy_version_, policy_age_);
}

void ActorMetrics::SetLag(uint64_t unacknowledged_rows, uint64_t lost_rows,
                          absl::Duration learner_away) {
  unacknowledged_rows_.Set(static_cast<double>(unacknowledged_rows));
  process::RaiseTo(lost_rows_, static_cast<double>(lost_rows));
  learner_away_.Set(absl::ToDoubleSeconds(learner_away));
}

void EvaluatorMetrics::SetPolicy(uint64_t version) {
  ShowPolicy(version, metrics_.Gauge(Family("estuary_actor_policy_version")),
             metrics_.Age(Family("estuary_actor_policy_age_seconds")));
}

void EvaluatorMetrics::AddEvaluation(const std::string& dynamics, uint64_t episodes, uint64_t steps,
                                     double mean_return) {
  const process::Labels labels = {{"dynamics", dynamics}};
  metrics_.Counter(Family("estuary_actor_evaluated_episodes_total"), labels)
      .Increment(static_cast<double>(episodes));
  metrics_.Counter(Family("estuary_actor_evaluated_steps_total"), labels)
      .Increment(static_cast<double>(steps));
  metrics_.Gauge(Family("estuary_actor_evaluation_return"), labels).Set(mean_return);
}

}  // namespace estuary::actor
