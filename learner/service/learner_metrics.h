// The learner's Prometheus metrics, estuary_learner_*. Set by the training loop a few times a
// second, never inside a gradient step.
#pragma once

#include <map>
#include <string>

#include "common/process/metrics.h"
#include "estuary/v1/learner.pb.h"

namespace estuary::learner {

class LearnerMetrics {
 public:
  explicit LearnerMetrics(process::Metrics& metrics);

  void AddGradientSteps(uint64_t count) { gradient_steps_.Increment(count); }
  void AddSimRows(uint64_t count) { sim_rows_received_.Increment(count); }
  void AddRealRows(uint64_t count) { real_rows_received_.Increment(count); }
  void AddLostRows(uint64_t count) { rows_lost_.Increment(count); }
  void AddStarved(double seconds) { starved_seconds_.Increment(seconds); }
  void AddCheckpoint(bool written) { (written ? checkpoints_ : checkpoint_failures_).Increment(); }
  void AddEvaluationReport() { evaluation_reports_.Increment(); }
  void SetSubscribers(int count) { subscribers_.Set(count); }
  void SetPendingEvaluations(size_t count, uint64_t given_up) {
    pending_evaluations_.Set(static_cast<double>(count));
    evaluations_given_up_.Set(static_cast<double>(given_up));
  }
  void SetRowsBehind(uint64_t rows) { rows_behind_.Set(static_cast<double>(rows)); }
  // Phase, rows held, version, rates, and every training metric as
  // estuary_learner_training{name="q1_td"}.
  void Set(const v1::LearnerStatus& status);

 private:
  process::Metrics& metrics_;
  prometheus::Counter& gradient_steps_;
  prometheus::Counter& sim_rows_received_;
  prometheus::Counter& real_rows_received_;
  prometheus::Counter& rows_lost_;
  prometheus::Counter& starved_seconds_;
  prometheus::Counter& checkpoints_;
  prometheus::Counter& checkpoint_failures_;
  prometheus::Counter& evaluation_reports_;
  prometheus::Gauge& subscribers_;
  prometheus::Gauge& pending_evaluations_;
  prometheus::Gauge& evaluations_given_up_;
  prometheus::Gauge& rows_behind_;
  prometheus::Gauge& phase_;
  prometheus::Gauge& policy_version_;
  prometheus::Gauge& real_rows_added_;
  prometheus::Gauge& real_rows_;
  prometheus::Gauge& sim_rows_;
  prometheus::Gauge& gradient_steps_per_second_;
  prometheus::Gauge& environment_steps_per_second_;
  std::map<std::string, prometheus::Gauge*> training_;
};

}  // namespace estuary::learner
