#include "learner/service/learner_metrics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "common/process/process_context.h"
#include "learner/service/learner_metric_families.h"

namespace estuary::learner {
namespace {

// A training metric "<prefix>X<suffix>" is the family's with the label X; without a label's name
// it is "<prefix>" alone.
struct Rule {
  absl::string_view prefix;
  absl::string_view suffix;
  process::GaugeFamily family;
  const char* label;
};

constexpr Rule kRules[] = {
    {"loss/", "", Family("estuary_learner_loss"), "name"},
    {"gradient_norm/", "", Family("estuary_learner_gradient_norm"), "net"},
    {"discriminator/", "_accuracy", Family("estuary_learner_discriminator_accuracy_ratio"), "net"},
    {"ratio/", "", Family("estuary_learner_dynamics_ratio"), "stat"},
    {"u/", "", Family("estuary_learner_u_last"), "stat"},
    {"q/", "_mean", Family("estuary_learner_q"), "data"},
    {"omega/max", "", Family("estuary_learner_omega_max"), nullptr},
    {"omega/effective_samples", "", Family("estuary_learner_omega_effective_samples"), nullptr},
    {"v/real_mean", "", Family("estuary_learner_v"), nullptr},
    {"alpha", "", Family("estuary_learner_alpha"), nullptr},
    {"entropy", "", Family("estuary_learner_entropy"), nullptr},
    {"learning_rate", "", Family("estuary_learner_learning_rate"), nullptr},
};

// "training" of LEARNER_PHASE_TRAINING.
std::string PhaseName(int phase) {
  return absl::AsciiStrToLower(absl::StripPrefix(
      v1::LearnerPhase_Name(static_cast<v1::LearnerPhase>(phase)), "LEARNER_PHASE_"));
}

}  // namespace

LearnerMetrics::LearnerMetrics(process::Metrics& m)
    : metrics_(m),
      gradient_steps_(m.Counter(Family("estuary_learner_gradient_steps_total"))),
      step_seconds_(m.Histogram(Family("estuary_learner_gradient_step_seconds"))),
      sim_rows_received_(
          m.Counter(Family("estuary_learner_rows_received_total"), {{"table", "sim"}})),
      real_rows_received_(
          m.Counter(Family("estuary_learner_rows_received_total"), {{"table", "real"}})),
      rows_lost_(m.Counter(Family("estuary_learner_lost_rows_total"))),
      starved_for_rows_(
          m.Counter(Family("estuary_learner_starved_seconds_total"), {{"for", "rows"}})),
      starved_for_samples_(
          m.Counter(Family("estuary_learner_starved_seconds_total"), {{"for", "samples"}})),
      checkpoints_(m.Counter(Family("estuary_learner_checkpoints_total"))),
      checkpoint_failures_(m.Counter(Family("estuary_learner_checkpoint_failures_total"))),
      checkpoint_age_(m.Age(Family("estuary_learner_checkpoint_age_seconds"))),
      evaluation_reports_(m.Counter(Family("estuary_learner_evaluation_reports_total"))),
      subscribers_(m.Gauge(Family("estuary_learner_subscribers"))),
      pending_evaluations_(m.Gauge(Family("estuary_learner_pending_evaluations"))),
      evaluations_given_up_(m.Counter(Family("estuary_learner_evaluations_given_up_total"))),
      policy_version_(m.Gauge(Family("estuary_learner_policy_version"))),
      policy_age_(m.Age(Family("estuary_learner_policy_version_age_seconds"))),
      real_rows_added_(m.Counter(Family("estuary_learner_real_rows_added_total"))),
      newest_real_row_(m.Age(Family("estuary_learner_newest_real_row_age_seconds"))) {}

void LearnerMetrics::AddRealRows(uint64_t count) {
  real_rows_received_.Increment(static_cast<double>(count));
  newest_real_row_.Set(absl::Now());
}

void LearnerMetrics::ExpectRealRows() { newest_real_row_.Set(absl::Now()); }

void LearnerMetrics::AddCheckpoint(bool written) {
  (written ? checkpoints_ : checkpoint_failures_).Increment();
  if (written) checkpoint_age_.Set(absl::Now());
}

void LearnerMetrics::SetPolicy(uint64_t version) {
  policy_version_.Set(static_cast<double>(version));
  policy_age_.Set(absl::Now());
  process::SetPolicyVersion(version);
}

void LearnerMetrics::SetEvaluation(uint64_t version, const std::string& dynamics,
                                   const std::vector<double>& returns) {
  if (returns.empty()) return;
  const absl::MutexLock lock(&mutex_);
  Evaluation& shown = evaluations_[dynamics];
  if (version < shown.version) return;
  const auto [least, greatest] = std::minmax_element(returns.begin(), returns.end());
  const double mean =
      std::accumulate(returns.begin(), returns.end(), 0.0) / static_cast<double>(returns.size());
  shown = {.version = version, .mean_return = mean};
  const auto set = [&](const char* stat, double value) {
    metrics_
        .Gauge(Family("estuary_learner_evaluation_return"),
               {{"dynamics", dynamics}, {"stat", stat}})
        .Set(value);
  };
  set("mean", mean);
  set("min", *least);
  set("max", *greatest);
  metrics_.Gauge(Family("estuary_learner_evaluated_policy_version"), {{"dynamics", dynamics}})
      .Set(static_cast<double>(version));
  const auto real = evaluations_.find("real"), sim = evaluations_.find("sim");
  if (real == evaluations_.end() || sim == evaluations_.end()) return;
  if (real->second.version != sim->second.version) return;
  metrics_.Gauge(Family("estuary_learner_evaluation_return_gap"))
      .Set(sim->second.mean_return - real->second.mean_return);
}

void LearnerMetrics::SetRowsBehind(const std::string& table, uint64_t rows) {
  metrics_.Gauge(Family("estuary_learner_behind_rows"), {{"table", table}})
      .Set(static_cast<double>(rows));
}

void LearnerMetrics::SetPhase(v1::LearnerPhase phase) {
  for (int i = v1::LEARNER_PHASE_UNSPECIFIED + 1; i < v1::LearnerPhase_ARRAYSIZE; ++i) {
    metrics_.Gauge(Family("estuary_learner_phase"), {{"phase", PhaseName(i)}})
        .Set(i == phase ? 1 : 0);
  }
}

void LearnerMetrics::Set(const v1::LearnerStatus& status) {
  const auto set = [this](process::GaugeFamily family, auto value,
                          const process::Labels& labels = {}) {
    metrics_.Gauge(family, labels).Set(static_cast<double>(value));
  };
  set(Family("estuary_learner_run_gradient_steps"), status.gradient_steps());
  set(Family("estuary_learner_run_gradient_steps_goal"), status.gradient_steps_total());
  set(Family("estuary_learner_run_environment_steps"), status.environment_steps());
  set(Family("estuary_learner_run_environment_steps_goal"), status.environment_steps_total());
  set(Family("estuary_learner_gradient_steps_per_second"), status.gradient_steps_per_second());
  set(Family("estuary_learner_environment_steps_per_second"),
      status.environment_steps_per_second());
  set(Family("estuary_learner_rows"), status.real_rows(), {{"table", "real"}});
  set(Family("estuary_learner_rows"), status.sim_rows(), {{"table", "sim"}});
  process::RaiseTo(real_rows_added_, static_cast<double>(status.real_rows_added()));
  set(Family("estuary_learner_best_policy_version"), status.best_version());
  if (status.best_version() > 0) {
    set(Family("estuary_learner_best_real_return"), status.best_real_return());
  }
  if (status.samples_per_insert_configured() > 0) {
    set(Family("estuary_learner_samples_per_insert_ratio"), status.samples_per_insert(),
        {{"kind", "actual"}});
    set(Family("estuary_learner_samples_per_insert_ratio"), status.samples_per_insert_configured(),
        {{"kind", "configured"}});
  }
  for (const auto& [name, value] : status.metrics()) {
    prometheus::Gauge*& gauge = training_[name];
    if (gauge == nullptr) gauge = &TrainingGauge(name);
    gauge->Set(value);
  }
}

prometheus::Gauge& LearnerMetrics::TrainingGauge(const std::string& name) {
  for (const Rule& rule : kRules) {
    absl::string_view rest = name;
    if (rule.label == nullptr) {
      if (rest == rule.prefix) return metrics_.Gauge(rule.family);
      continue;
    }
    if (!absl::ConsumePrefix(&rest, rule.prefix) || !absl::ConsumeSuffix(&rest, rule.suffix)) {
      continue;
    }
    return metrics_.Gauge(rule.family, {{rule.label, std::string(rest)}});
  }
  return metrics_.Gauge(Family("estuary_learner_training"), {{"name", name}});
}

void LearnerMetrics::ObserveRows(const TensorTree& rows) {
  const auto observe = [&](const std::string& path, prometheus::Histogram& histogram,
                           bool relative) {
    const auto found = rows.find(path);
    if (found == rows.end()) return;
    const std::vector<double>& values = found->second.values;
    const double scale = relative ? static_cast<double>(values.size()) : 1;
    for (const double value : values) {
      if (std::isfinite(value)) histogram.Observe(scale * value);
    }
  };
  if (rows.count("u") > 0) {
    observe("u", metrics_.Histogram(Family("estuary_learner_u")), false);
    observe("omega", metrics_.Histogram(Family("estuary_learner_omega")), true);
  }
  for (const char* data : {"real", "sim"}) {
    const std::string path = std::string("q_") + data;
    if (rows.count(path) == 0) continue;
    observe(path, metrics_.Histogram(Family("estuary_learner_q_value"), {{"data", data}}), false);
  }
}

}  // namespace estuary::learner
