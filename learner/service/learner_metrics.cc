#include "learner/service/learner_metrics.h"

namespace estuary::learner {

LearnerMetrics::LearnerMetrics(process::Metrics& m)
    : metrics_(m),
      gradient_steps_(
          m.Counter("estuary_learner_gradient_steps_total", "Gradient steps of this process")),
      sim_rows_received_(m.Counter("estuary_learner_rows_received_total",
                                   "Transitions taken from the shards", {{"table", "sim"}})),
      real_rows_received_(m.Counter("estuary_learner_rows_received_total",
                                    "Transitions taken from the shards", {{"table", "real"}})),
      rows_lost_(m.Counter("estuary_learner_rows_lost_total",
                           "Transitions evicted before the learner could take them")),
      starved_seconds_(m.Counter("estuary_learner_starved_seconds_total",
                                 "Time in which no gradient step was possible for want of rows")),
      checkpoints_(m.Counter("estuary_learner_checkpoints_total", "Checkpoints written")),
      checkpoint_failures_(m.Counter("estuary_learner_checkpoint_failures_total",
                                     "Checkpoints that could not be written")),
      evaluation_reports_(
          m.Counter("estuary_learner_evaluation_reports_total", "Evaluations reported")),
      subscribers_(m.Gauge("estuary_learner_subscribers", "Open policy subscriptions")),
      pending_evaluations_(m.Gauge("estuary_learner_pending_evaluations",
                                   "Policy versions whose evaluation is awaited")),
      evaluations_given_up_(
          m.Gauge("estuary_learner_evaluations_given_up",
                  "Policy versions that no evaluator took before there were too many")),
      rows_behind_(m.Gauge("estuary_learner_rows_behind",
                           "Transitions the shards hold that the learner has not taken yet")),
      phase_(m.Gauge("estuary_learner_phase", "LearnerPhase as a number")),
      policy_version_(m.Gauge("estuary_learner_policy_version", "Newest policy version")),
      real_rows_added_(m.Gauge("estuary_learner_real_rows_added",
                               "Real transitions that joined D while training went on")),
      real_rows_(
          m.Gauge("estuary_learner_rows", "Transitions held on the device", {{"table", "real"}})),
      sim_rows_(
          m.Gauge("estuary_learner_rows", "Transitions held on the device", {{"table", "sim"}})),
      gradient_steps_per_second_(
          m.Gauge("estuary_learner_gradient_steps_per_second", "Gradient steps a second")),
      environment_steps_per_second_(m.Gauge("estuary_learner_environment_steps_per_second",
                                            "Simulated transitions received a second")) {}

void LearnerMetrics::Set(const v1::LearnerStatus& status) {
  phase_.Set(status.phase());
  policy_version_.Set(static_cast<double>(status.policy_version()));
  real_rows_.Set(static_cast<double>(status.real_rows()));
  real_rows_added_.Set(static_cast<double>(status.real_rows_added()));
  sim_rows_.Set(static_cast<double>(status.sim_rows()));
  gradient_steps_per_second_.Set(status.gradient_steps_per_second());
  environment_steps_per_second_.Set(status.environment_steps_per_second());
  for (const auto& [name, value] : status.metrics()) {
    prometheus::Gauge*& gauge = training_[name];
    if (gauge == nullptr) {
      gauge = &metrics_.Gauge("estuary_learner_training", "Newest value of a training metric",
                              {{"name", name}});
    }
    gauge->Set(value);
  }
}

}  // namespace estuary::learner
