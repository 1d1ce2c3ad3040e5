#include "learner/service/learner_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <string>

namespace estuary::learner {
namespace {

// By name and labels: "estuary_learner_loss{name=q1_td}".
std::map<std::string, double> Values(const process::Metrics& metrics) {
  std::map<std::string, double> values;
  for (const prometheus::MetricFamily& family : metrics.Collect()) {
    for (const prometheus::ClientMetric& metric : family.metric) {
      std::string labels;
      for (const auto& label : metric.label) {
        labels += (labels.empty() ? "" : ",") + label.name + "=" + label.value;
      }
      const std::string name = labels.empty() ? family.name : family.name + "{" + labels + "}";
      values[name] = family.type == prometheus::MetricType::Histogram
                         ? static_cast<double>(metric.histogram.sample_count)
                         : metric.gauge.value + metric.counter.value;
    }
  }
  return values;
}

TEST(LearnerMetrics, EveryTrainingMetricHasItsFamily) {
  process::Metrics registry;
  LearnerMetrics metrics(registry);
  v1::LearnerStatus status;
  auto& training = *status.mutable_metrics();
  training["loss/q1_td"] = 1;
  training["loss/policy"] = 2;
  training["gradient_norm/critics"] = 3;
  training["discriminator/sas_accuracy"] = 0.8;
  training["ratio/log_mean"] = -1;
  training["u/max"] = 4;
  training["q/target_mean"] = 5;
  training["omega/max"] = 0.1;
  training["omega/effective_samples"] = 60;
  training["v/real_mean"] = 6;
  training["alpha"] = 0.2;
  training["dynamics_model/error"] = 0.3;
  metrics.Set(status);
  const auto values = Values(registry);
  EXPECT_EQ(values.at("estuary_learner_loss{name=q1_td}"), 1);
  EXPECT_EQ(values.at("estuary_learner_loss{name=policy}"), 2);
  EXPECT_EQ(values.at("estuary_learner_gradient_norm{net=critics}"), 3);
  EXPECT_EQ(values.at("estuary_learner_discriminator_accuracy_ratio{net=sas}"), 0.8);
  EXPECT_EQ(values.at("estuary_learner_dynamics_ratio{stat=log_mean}"), -1);
  EXPECT_EQ(values.at("estuary_learner_u_last{stat=max}"), 4);
  EXPECT_EQ(values.at("estuary_learner_q{data=target}"), 5);
  EXPECT_EQ(values.at("estuary_learner_omega_max"), 0.1);
  EXPECT_EQ(values.at("estuary_learner_omega_effective_samples"), 60);
  EXPECT_EQ(values.at("estuary_learner_v"), 6);
  EXPECT_EQ(values.at("estuary_learner_alpha"), 0.2);
  EXPECT_EQ(values.at("estuary_learner_training{name=dynamics_model/error}"), 0.3);
}

TEST(LearnerMetrics, TheGapIsOfOneVersionAndOldReportsChangeNothing) {
  process::Metrics registry;
  LearnerMetrics metrics(registry);
  metrics.SetEvaluation(7, "real", {100, 300});
  EXPECT_EQ(Values(registry).count("estuary_learner_evaluation_return_gap"), 0u);
  metrics.SetEvaluation(7, "sim", {500});
  EXPECT_EQ(Values(registry).at("estuary_learner_evaluation_return_gap"), 300);
  metrics.SetEvaluation(9, "sim", {900});
  EXPECT_EQ(Values(registry).at("estuary_learner_evaluation_return_gap"), 300)
      << "real's of version 9 has not come";
  metrics.SetEvaluation(3, "real", {1000});
  const auto values = Values(registry);
  EXPECT_EQ(values.at("estuary_learner_evaluation_return{dynamics=real,stat=mean}"), 200);
  EXPECT_EQ(values.at("estuary_learner_evaluation_return{dynamics=real,stat=min}"), 100);
  EXPECT_EQ(values.at("estuary_learner_evaluation_return{dynamics=real,stat=max}"), 300);
  EXPECT_EQ(values.at("estuary_learner_evaluated_policy_version{dynamics=real}"), 7);
  EXPECT_EQ(values.at("estuary_learner_evaluated_policy_version{dynamics=sim}"), 9);
}

TEST(LearnerMetrics, ThePhaseIsOneOfThem) {
  process::Metrics registry;
  LearnerMetrics metrics(registry);
  metrics.SetPhase(v1::LEARNER_PHASE_TRAINING);
  metrics.SetPhase(v1::LEARNER_PHASE_DONE);
  const auto values = Values(registry);
  EXPECT_EQ(values.at("estuary_learner_phase{phase=training}"), 0);
  EXPECT_EQ(values.at("estuary_learner_phase{phase=done}"), 1);
  EXPECT_EQ(values.at("estuary_learner_phase{phase=waiting_for_real_data}"), 0);
  EXPECT_EQ(values.count("estuary_learner_phase{phase=unspecified}"), 0u);
}

TEST(LearnerMetrics, DistributionsTakeOneValueARow) {
  process::Metrics registry;
  LearnerMetrics metrics(registry);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  metrics.ObserveRows({{"u", {{4}, {1e-45, 0.3, 10, nan}}},
                       {"omega", {{4}, {0.25, 0.25, 0.25, 0.25}}},
                       {"q_sim", {{2}, {-3, 300}}}});
  for (const prometheus::MetricFamily& family : registry.Collect()) {
    const auto& histogram = family.metric[0].histogram;
    if (family.name == "estuary_learner_u") {
      EXPECT_EQ(histogram.sample_count, 3u) << "what is not finite is left out";
      EXPECT_EQ(histogram.bucket.front().cumulative_count, 1u);
      EXPECT_EQ(histogram.bucket[histogram.bucket.size() - 2].cumulative_count, 3u);
    }
    if (family.name == "estuary_learner_omega") {
      EXPECT_EQ(histogram.sample_count, 4u);
      EXPECT_DOUBLE_EQ(histogram.sample_sum, 4) << "equal weights are 1 each";
    }
  }
  const auto values = Values(registry);
  EXPECT_EQ(values.at("estuary_learner_q_value{data=sim}"), 2);
  EXPECT_EQ(values.count("estuary_learner_q_value{data=real}"), 0u);
}

TEST(LearnerMetrics, AnAlgorithmWithoutAGapHasNoSuchDistribution) {
  process::Metrics registry;
  LearnerMetrics metrics(registry);
  metrics.ObserveRows({});
  EXPECT_EQ(Values(registry).count("estuary_learner_u"), 0u);
}

}  // namespace
}  // namespace estuary::learner
