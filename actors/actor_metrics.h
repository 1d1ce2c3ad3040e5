// An actor's Prometheus metrics (actor_metric_families.h). The stepping loop counts in a plain
// RolloutCounts and folds it in once a block, and once a second while it waits.
#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "common/process/metrics.h"

namespace estuary::actor {

// Since the last fold.
struct RolloutCounts {
  uint64_t steps = 0;
  uint64_t random_steps = 0;
  uint64_t terminated = 0;
  uint64_t truncated = 0;
  // Episodes given up because the simulation diverged.
  uint64_t dropped = 0;
  // Of the episodes that ended.
  double return_sum = 0;
  uint64_t length_sum = 0;
  uint64_t blocks = 0;
  double waited_for_replay = 0;
  double waited_for_policy = 0;
};

// Of a role that rolls out.
class ActorMetrics {
 public:
  explicit ActorMetrics(process::Metrics& metrics);

  void Fold(const RolloutCounts& counts);
  void SetEnvironments(int count) { environments_.Set(count); }
  // The version that the actor acts by from now on.
  void SetPolicy(uint64_t version);
  void AddRefusedPolicy() { refused_policies_.Increment(); }
  // Once a second or so: how far what was made is ahead of what the replay has, and the like.
  void SetLag(uint64_t unacknowledged_rows, uint64_t lost_rows, absl::Duration learner_away);

 private:
  prometheus::Counter& steps_;
  prometheus::Counter& random_steps_;
  prometheus::Counter& terminated_;
  prometheus::Counter& truncated_;
  prometheus::Counter& dropped_;
  prometheus::Counter& blocks_;
  prometheus::Counter& waited_for_replay_;
  prometheus::Counter& waited_for_policy_;
  prometheus::Counter& refused_policies_;
  prometheus::Counter& lost_rows_;
  prometheus::Gauge& environments_;
  prometheus::Gauge& episode_return_;
  prometheus::Gauge& episode_steps_;
  prometheus::Gauge& policy_version_;
  prometheus::Gauge& unacknowledged_rows_;
  process::AgeGauge& policy_age_;
  prometheus::Gauge& learner_away_;
};

// Of a role that evaluates.
class EvaluatorMetrics {
 public:
  explicit EvaluatorMetrics(process::Metrics& metrics) : metrics_(metrics) {}

  // The version that is evaluated from now on.
  void SetPolicy(uint64_t version);
  // `dynamics`: "real" or "sim".
  void AddEvaluation(const std::string& dynamics, uint64_t episodes, uint64_t steps,
                     double mean_return);

 private:
  process::Metrics& metrics_;
};

}  // namespace estuary::actor
