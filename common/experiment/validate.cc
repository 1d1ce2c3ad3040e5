#include "common/experiment/validate.h"

#include <cctype>
#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/experiment/experiment.h"
#include "common/process/status.h"

namespace estuary::experiment {
namespace {

absl::Status CheckRange(const std::string& field, double value, double low, double high) {
  if (value >= low && value <= high) return absl::OkStatus();  // NaN fails.
  return absl::InvalidArgumentError(
      absl::StrCat(field, " is ", value, "; it must be in [", low, ", ", high, "]"));
}

absl::Status CheckName(const std::string& name) {
  bool good = !name.empty() && name.size() <= 100 && name[0] != '.';
  for (const char c : name) {
    good =
        good && (std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.');
  }
  if (good) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "name is '", name,
      "'; it names a folder: 1 to 100 letters, digits, '_', '-' and '.', not beginning with '.'"));
}

absl::Status CheckHidden(const std::string& field,
                         const google::protobuf::RepeatedField<uint32_t>& hidden) {
  if (hidden.size() > 8) {
    return absl::InvalidArgumentError(
        absl::StrCat(field, " has ", hidden.size(), " layers; at most 8"));
  }
  for (const uint32_t width : hidden) {
    ESTUARY_RETURN_IF_ERROR(CheckRange(field, width, 1, 8192));
  }
  return absl::OkStatus();
}

absl::Status CheckAlgorithm(const v1::Algorithm& a) {
  using A = v1::Algorithm;
  ESTUARY_RETURN_IF_ERROR(CheckRange("algorithm.min_q_weight", a.min_q_weight(), 0, 1e6));
  ESTUARY_RETURN_IF_ERROR(CheckRange("algorithm.ratio_max", a.ratio_max(), 0, 1e6));
  ESTUARY_RETURN_IF_ERROR(CheckRange("algorithm.ratio_min", a.ratio_min(), 0, a.ratio_max()));
  ESTUARY_RETURN_IF_ERROR(CheckRange("algorithm.gap_max", a.gap_max(), 1e-40, 1e6));
  ESTUARY_RETURN_IF_ERROR(CheckRange("algorithm.gap_min", a.gap_min(), 1e-45, a.gap_max()));
  ESTUARY_RETURN_IF_ERROR(CheckRange("algorithm.gap_samples", a.gap_samples(), 1, 1000));
  ESTUARY_RETURN_IF_ERROR(CheckRange("algorithm.cql_actions", a.cql_actions(), 1, 1000));
  ESTUARY_RETURN_IF_ERROR(
      CheckRange("algorithm.discriminator_noise", a.discriminator_noise(), 0, 100));
  ESTUARY_RETURN_IF_ERROR(
      CheckRange("algorithm.exploit_coefficient", a.exploit_coefficient(), 0, 1));
  ESTUARY_RETURN_IF_ERROR(
      CheckRange("algorithm.value_expectile", a.value_expectile(), 1e-6, 1 - 1e-6));
  ESTUARY_RETURN_IF_ERROR(
      CheckRange("algorithm.dynamics_model_steps", a.dynamics_model_steps(), 1, 1e9));
  ESTUARY_RETURN_IF_ERROR(CheckRange("algorithm.dynamics_model_learning_rate",
                                     a.dynamics_model_learning_rate(), 1e-9, 1));
  ESTUARY_RETURN_IF_ERROR(
      CheckRange("algorithm.dynamics_model_batch_size", a.dynamics_model_batch_size(), 1, 1 << 20));
  if (a.backup() == A::VALUE_BLEND && a.data() == A::SIM) {
    return absl::InvalidArgumentError(
        "algorithm.backup is VALUE_BLEND, which learns V from real data; set data to REAL or "
        "REAL_AND_SIM");
  }
  const bool both = a.data() == A::REAL_AND_SIM;
  if (a.critic_weight() == A::DYNAMICS_RATIO && !both) {
    return absl::InvalidArgumentError(
        "algorithm.critic_weight is DYNAMICS_RATIO, which needs data: REAL_AND_SIM");
  }
  if ((a.regularizer() == A::WEIGHTED_LOG_SUM_EXP || a.regularizer() == A::WEIGHTED_MEAN) &&
      !both) {
    return absl::InvalidArgumentError(absl::StrCat("algorithm.regularizer is ",
                                                   A::Regularizer_Name(a.regularizer()),
                                                   ", which needs data: REAL_AND_SIM"));
  }
  if (a.regularizer() == A::CQL && a.data() != A::REAL) {
    return absl::InvalidArgumentError("algorithm.regularizer is CQL, which needs data: REAL");
  }
  return absl::OkStatus();
}

absl::Status CheckOptimizer(const v1::Experiment& e) {
  const v1::Optimizer& o = e.optimizer();
  ESTUARY_RETURN_IF_ERROR(CheckRange("optimizer.learning_rate", o.learning_rate(), 1e-9, 1));
  ESTUARY_RETURN_IF_ERROR(
      CheckRange("optimizer.learning_rate_constant_part", o.learning_rate_constant_part(), 0, 1));
  ESTUARY_RETURN_IF_ERROR(
      CheckRange("optimizer.learning_rate_final_fraction", o.learning_rate_final_fraction(), 0, 1));
  ESTUARY_RETURN_IF_ERROR(CheckRange("optimizer.batch_size", o.batch_size(), 2, 1 << 20));
  if (e.algorithm().data() == v1::Algorithm::REAL_AND_SIM) {
    ESTUARY_RETURN_IF_ERROR(CheckRange("optimizer.real_fraction", o.real_fraction(), 1e-6, 1));
    const double real = o.batch_size() * o.real_fraction();
    if (std::abs(real - std::round(real)) > 1e-9 * o.batch_size() || std::round(real) < 1 ||
        std::round(real) >= o.batch_size()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "optimizer.real_fraction ", o.real_fraction(), " of optimizer.batch_size ",
          o.batch_size(), " is ", real,
          " rows; both sources need a whole number of rows, at least 1 (half of a batch_size that "
          "is even, for one)"));
    }
  }
  ESTUARY_RETURN_IF_ERROR(
      CheckRange("optimizer.discriminator_batch_size", o.discriminator_batch_size(), 1, 1 << 20));
  ESTUARY_RETURN_IF_ERROR(CheckRange("optimizer.discount", o.discount(), 0, 1));
  ESTUARY_RETURN_IF_ERROR(CheckRange("optimizer.tau", o.tau(), 0, 1));
  ESTUARY_RETURN_IF_ERROR(CheckRange("optimizer.reward_scale", o.reward_scale(), 1e-9, 1e9));
  ESTUARY_RETURN_IF_ERROR(
      CheckRange("optimizer.initial_temperature", o.initial_temperature(), 1e-9, 1e6));
  return CheckRange("optimizer.policy_average", o.policy_average(), 1e-9, 1);
}

absl::Status CheckBudget(const v1::Experiment& e) {
  const v1::Budget& b = e.budget();
  constexpr double kMany = 1e12;
  ESTUARY_RETURN_IF_ERROR(CheckRange("budget.gradient_steps", b.gradient_steps(), 1, kMany));
  ESTUARY_RETURN_IF_ERROR(
      CheckRange("budget.gradient_steps_per_epoch", b.gradient_steps_per_epoch(), 1, kMany));
  ESTUARY_RETURN_IF_ERROR(
      CheckRange("budget.environment_steps_per_epoch", b.environment_steps_per_epoch(), 1, kMany));
  ESTUARY_RETURN_IF_ERROR(CheckRange("budget.environment_steps", b.environment_steps(),
                                     b.environment_steps_per_epoch(), kMany));
  ESTUARY_RETURN_IF_ERROR(CheckRange("budget.publish_every", b.publish_every(), 1, kMany));
  ESTUARY_RETURN_IF_ERROR(CheckRange("budget.checkpoint_every", b.checkpoint_every(), 1, kMany));
  ESTUARY_RETURN_IF_ERROR(CheckRange("budget.checkpoints_kept", b.checkpoints_kept(), 1, 1000));
  ESTUARY_RETURN_IF_ERROR(
      CheckRange("evaluation.every_epochs", e.evaluation().every_epochs(), 1, kMany));
  return CheckRange("evaluation.episodes", e.evaluation().episodes(), 0, 10000);
}

absl::Status CheckCluster(const v1::Experiment& e) {
  const v1::Cluster& c = e.cluster();
  ESTUARY_RETURN_IF_ERROR(CheckRange("cluster.shards", c.shards(), 1, 1000));
  ESTUARY_RETURN_IF_ERROR(CheckRange("cluster.actors", c.actors(), 1, 10000));
  ESTUARY_RETURN_IF_ERROR(
      CheckRange("cluster.environments_per_actor", c.environments_per_actor(), 1, 10000));
  ESTUARY_RETURN_IF_ERROR(CheckRange("cluster.learner_threads", c.learner_threads(), 1, 1024));
  ESTUARY_RETURN_IF_ERROR(CheckRange("replay.sim_capacity", e.replay().sim_capacity(),
                                     e.budget().environment_steps_per_epoch(), 1e12));
  ESTUARY_RETURN_IF_ERROR(CheckRange("replay.error_buffer", e.replay().error_buffer(), 1, 1e12));
  if (e.deterministic() && (c.actors() != 1 || c.environments_per_actor() != 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("deterministic: true needs one actor with one environment, not ", c.actors(),
                     " with ", c.environments_per_actor(),
                     "; leave cluster.actors and cluster.environments_per_actor out"));
  }
  if (e.deterministic() && c.learner_threads() != 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "deterministic: true needs cluster.learner_threads 1, not ", c.learner_threads()));
  }
  if (e.dataset().extend() && e.deterministic()) {
    return absl::InvalidArgumentError(
        "dataset.extend lets D grow by what a robot records while training goes on, and "
        "deterministic: true needs the same D in every run; leave one of the two out");
  }
  if (e.dataset().extend() && !UsesRealData(e)) {
    return absl::InvalidArgumentError(absl::StrCat("dataset.extend lets D grow, and algorithm '",
                                                   e.algorithm().name(),
                                                   "' uses no real data; leave it out"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Validate(const v1::Experiment& e) {
  ESTUARY_RETURN_IF_ERROR(CheckName(e.name()));
  if (e.task().empty()) {
    return absl::InvalidArgumentError("task is missing; `estuary task list` lists them");
  }
  ESTUARY_RETURN_IF_ERROR(CheckAlgorithm(e.algorithm()));
  if (UsesRealData(e) && e.dataset().path().empty() && e.dataset().transitions() == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("algorithm '", e.algorithm().name(),
                     "' trains on real data; dataset { path: ... } names its file"));
  }
  ESTUARY_RETURN_IF_ERROR(CheckHidden("networks.hidden", e.networks().hidden()));
  ESTUARY_RETURN_IF_ERROR(
      CheckHidden("networks.discriminator_hidden", e.networks().discriminator_hidden()));
  ESTUARY_RETURN_IF_ERROR(CheckHidden("networks.dynamics_hidden", e.networks().dynamics_hidden()));
  for (const float scale : e.networks().observation_scale()) {
    ESTUARY_RETURN_IF_ERROR(CheckRange("networks.observation_scale", std::abs(scale), 1e-9, 1e9));
  }
  if (e.networks().normalize_observations() && e.networks().observation_scale_size() > 0) {
    return absl::InvalidArgumentError(
        "networks.observation_scale and networks.normalize_observations exclude each other");
  }
  ESTUARY_RETURN_IF_ERROR(CheckOptimizer(e));
  ESTUARY_RETURN_IF_ERROR(
      CheckRange("exploration.noise_correlation", e.exploration().noise_correlation(), 0, 0.9999));
  ESTUARY_RETURN_IF_ERROR(CheckBudget(e));
  return CheckCluster(e);
}

}  // namespace estuary::experiment
