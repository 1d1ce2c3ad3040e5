// An actor's Prometheus metrics. The stepping loop counts in a plain RolloutCounts and folds it in
// once a block.
#pragma once

#include <cstdint>

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
  double return_sum = 0;
  uint64_t blocks = 0;
  double waited_for_replay = 0;
  double waited_for_policy = 0;
};

class ActorMetrics {
 public:
  explicit ActorMetrics(process::Metrics& metrics);

  void Fold(const RolloutCounts& counts);
  // The version that the actor acts by from now on.
  void SetPolicy(uint64_t version);
  void AddRefusedPolicy() { refused_policies_.Increment(); }
  // Once a second or so: how far what was made is ahead of what the replay has, and the like.
  void SetLag(uint64_t unacknowledged_rows, uint64_t lost_rows, double policy_age_seconds,
              double learner_away_seconds);
  void AddEvaluation(uint64_t episodes, uint64_t steps);

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
  prometheus::Counter& evaluated_episodes_;
  prometheus::Counter& evaluated_steps_;
  prometheus::Gauge& episode_return_;
  prometheus::Gauge& policy_version_;
  prometheus::Gauge& unacknowledged_rows_;
  prometheus::Gauge& lost_rows_;
  prometheus::Gauge& policy_age_;
  prometheus::Gauge& learner_away_;
};

}  // namespace estuary::actor
