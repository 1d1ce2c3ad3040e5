// The learner's Prometheus metrics (learner_metric_families.h). Set by the training loop a few
// times a second and by the service, never inside a gradient step. Thread-safe but for what says
// otherwise.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/process/metrics.h"
#include "estuary/v1/learner.pb.h"
#include "learner/core/tensor_tree.h"

namespace estuary::learner {

// For want of what no step is possible.
enum class Want { kRows, kSamples };

class LearnerMetrics {
 public:
  explicit LearnerMetrics(process::Metrics& metrics);

  void AddGradientSteps(uint64_t count, double seconds_per_step) {
    gradient_steps_.Increment(static_cast<double>(count));
    step_seconds_.Observe(seconds_per_step);
  }
  void AddSimRows(uint64_t count) { sim_rows_received_.Increment(static_cast<double>(count)); }
  void AddRealRows(uint64_t count);
  // Real rows may come from now on.
  void ExpectRealRows();
  void AddLostRows(uint64_t count) { rows_lost_.Increment(static_cast<double>(count)); }
  void AddStarved(Want want, double seconds) {
    (want == Want::kRows ? starved_for_rows_ : starved_for_samples_).Increment(seconds);
  }
  void AddCheckpoint(bool written);
  void SetPolicy(uint64_t version);
  // A version's episodes, `dynamics` "real" or "sim". An older version's than was shown changes
  // nothing.
  void SetEvaluation(uint64_t version, const std::string& dynamics,
                     const std::vector<double>& returns);
  void AddEvaluationReport() { evaluation_reports_.Increment(); }
  void SetSubscribers(int count) { subscribers_.Set(count); }
  void SetPendingEvaluations(size_t count, uint64_t given_up) {
    pending_evaluations_.Set(static_cast<double>(count));
    process::RaiseTo(evaluations_given_up_, static_cast<double>(given_up));
  }
  void SetRowsBehind(const std::string& table, uint64_t rows);
  void SetPhase(v1::LearnerPhase phase);
  // How far the run is, rows held, rates, and every training metric: "loss/q1_td" as
  // estuary_learner_loss{name="q1_td"}. One thread at a time.
  void Set(const v1::LearnerStatus& status);
  // As Engine::RowMetrics gives them.
  void ObserveRows(const TensorTree& rows);

 private:
  prometheus::Gauge& TrainingGauge(const std::string& name);

  process::Metrics& metrics_;
  prometheus::Counter& gradient_steps_;
  prometheus::Histogram& step_seconds_;
  prometheus::Counter& sim_rows_received_;
  prometheus::Counter& real_rows_received_;
  prometheus::Counter& rows_lost_;
  prometheus::Counter& starved_for_rows_;
  prometheus::Counter& starved_for_samples_;
  prometheus::Counter& checkpoints_;
  prometheus::Counter& checkpoint_failures_;
  process::AgeGauge& checkpoint_age_;
  prometheus::Counter& evaluation_reports_;
  prometheus::Gauge& subscribers_;
  prometheus::Gauge& pending_evaluations_;
  prometheus::Counter& evaluations_given_up_;
  prometheus::Gauge& policy_version_;
  process::AgeGauge& policy_age_;
  prometheus::Counter& real_rows_added_;
  process::AgeGauge& newest_real_row_;
  // By name in metrics.jsonl.
  std::map<std::string, prometheus::Gauge*> training_;

  struct Evaluation {
    uint64_t version = 0;
    double mean_return = 0;
  };
  absl::Mutex mutex_;
  // By dynamics.
  std::map<std::string, Evaluation> evaluations_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace estuary::learner
