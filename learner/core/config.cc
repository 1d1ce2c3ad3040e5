#include "learner/core/config.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace estuary::learner {
namespace {

struct Row {
  const char* name;
  Data data;
  RewardShaping reward_shaping;
  CriticWeight critic_weight;
  Regularizer regularizer;
  GapWeight gap_weight;
  Backup backup;
  bool backup_entropy;
  double min_q_weight;
};

constexpr auto kNoShaping = RewardShaping::kNone;
constexpr auto kShaped = RewardShaping::kDynamicsLogRatio;
constexpr auto kNoWeight = CriticWeight::kNone;
constexpr auto kRatio = CriticWeight::kDynamicsRatio;
constexpr auto kNoPenalty = Regularizer::kNone;
constexpr auto kLogSumExp = Regularizer::kWeightedLogSumExp;
constexpr auto kMean = Regularizer::kWeightedMean;
constexpr auto kGap = GapWeight::kDynamicsGap;
constexpr auto kUniform = GapWeight::kUniform;
constexpr auto kReverse = GapWeight::kReverseDynamicsGap;
constexpr auto kTargets = Backup::kTargetCritics;

constexpr std::array<Row, 13> kTable = {{
    // name        data               reward      weight     regulariser  omega     s'      entropy
    // beta
    {"sac", Data::kSim, kNoShaping, kNoWeight, kNoPenalty, kGap, kTargets, true, 0.01},
    {"cql", Data::kReal, kNoShaping, kNoWeight, Regularizer::kCql, kGap, kTargets, false, 2.0},
    {"darc", Data::kSim, kShaped, kNoWeight, kNoPenalty, kGap, kTargets, true, 0.01},
    {"darc_plus", Data::kRealAndSim, kShaped, kNoWeight, kNoPenalty, kGap, kTargets, true, 0.01},
    {"h2o", Data::kRealAndSim, kNoShaping, kRatio, kLogSumExp, kGap, kTargets, false, 0.01},
    {"h2o_v", Data::kRealAndSim, kNoShaping, kRatio, kMean, kGap, kTargets, false, 0.01},
    {"h2o_a", Data::kRealAndSim, kNoShaping, kRatio, kLogSumExp, kUniform, kTargets, false, 0.01},
    {"h2o_dr", Data::kRealAndSim, kNoShaping, kNoWeight, kLogSumExp, kGap, kTargets, false, 0.01},
    {"h2o_a_dr", Data::kRealAndSim, kNoShaping, kNoWeight, kLogSumExp, kUniform, kTargets, false,
     0.01},
    {"h2o_reg", Data::kRealAndSim, kNoShaping, kRatio, kNoPenalty, kGap, kTargets, false, 0.01},
    {"h2o_reg_dr", Data::kRealAndSim, kNoShaping, kNoWeight, kNoPenalty, kGap, kTargets, false,
     0.01},
    {"h2o_reverse_kl", Data::kRealAndSim, kNoShaping, kRatio, kLogSumExp, kReverse, kTargets, false,
     0.01},
    {"h2o_plus", Data::kRealAndSim, kNoShaping, kRatio, kNoPenalty, kGap, Backup::kValueBlend, true,
     0.01},
}};

absl::Status Reject(absl::string_view option, double value, absl::string_view wanted) {
  return absl::InvalidArgumentError(absl::StrCat(option, " is ", value, "; it must be ", wanted));
}

absl::Status ValidateLayers(absl::string_view option, const std::vector<int>& layers) {
  if (layers.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(option, " is empty; name at least one layer"));
  }
  for (int units : layers) {
    if (units < 1) return Reject(option, units, "at least 1 in every layer");
  }
  return absl::OkStatus();
}

// NaN fails every comparison, so the conditions are written for the good case.
absl::Status ValidateAlgorithm(const AlgorithmConfig& a) {
  const bool needs_two = a.HasGapRegularizer() || a.critic_weight == CriticWeight::kDynamicsRatio;
  if (needs_two && !a.UsesBoth()) {
    return absl::InvalidArgumentError(
        "H2O's regulariser and the critics' ratio weight compare real with simulated transitions; "
        "set data to REAL_AND_SIM or choose no regulariser and no weight");
  }
  if (a.regularizer == Regularizer::kCql && a.data != Data::kReal) {
    return absl::InvalidArgumentError(
        "the CQL regulariser works on real data alone; set data to REAL");
  }
  if (a.reward_shaping != RewardShaping::kNone && !a.UsesSim()) {
    return absl::InvalidArgumentError(
        "reward shaping corrects simulated rewards, but data is REAL");
  }
  if (!std::isfinite(a.min_q_weight)) return Reject("min_q_weight", a.min_q_weight, "finite");
  if (!(a.ratio_min > 0)) return Reject("ratio_min", a.ratio_min, "above 0");
  if (!(a.ratio_max >= a.ratio_min)) return Reject("ratio_max", a.ratio_max, "at least ratio_min");
  if (!(static_cast<float>(a.gap_min) > 0)) {
    return Reject("gap_min", a.gap_min, "above 0 in float32 (1e-45 is the least)");
  }
  if (!(a.gap_max >= a.gap_min)) return Reject("gap_max", a.gap_max, "at least gap_min");
  if (a.gap_samples < 1) return Reject("gap_samples", a.gap_samples, "at least 1");
  if (a.cql_actions < 1) return Reject("cql_actions", a.cql_actions, "at least 1");
  if (!(a.reward_shaping_clip >= 0)) {
    return Reject("reward_shaping_clip", a.reward_shaping_clip, "at least 0");
  }
  if (!(a.discriminator_noise >= 0)) {
    return Reject("discriminator_noise", a.discriminator_noise, "at least 0");
  }
  if (a.NeedsValue() && !a.UsesReal()) {
    return absl::InvalidArgumentError(
        "backup VALUE_BLEND learns V from real data; set data to REAL or REAL_AND_SIM");
  }
  if (!(a.exploit_coefficient >= 0 && a.exploit_coefficient <= 1)) {
    return Reject("exploit_coefficient", a.exploit_coefficient, "in [0, 1]");
  }
  if (!(a.value_expectile > 0 && a.value_expectile < 1)) {
    return Reject("value_expectile", a.value_expectile, "above 0 and below 1");
  }
  if (!(a.dynamics_model.learning_rate > 0)) {
    return Reject("dynamics_model_learning_rate", a.dynamics_model.learning_rate, "above 0");
  }
  if (a.dynamics_model.batch_size < 1) {
    return Reject("dynamics_model_batch_size", a.dynamics_model.batch_size, "at least 1");
  }
  return absl::OkStatus();
}

absl::Status ValidateNetworks(const NetworkConfig& n, int observation_dim) {
  if (auto status = ValidateLayers("hidden", n.hidden); !status.ok()) return status;
  if (auto status = ValidateLayers("discriminator_hidden", n.discriminator_hidden); !status.ok()) {
    return status;
  }
  if (auto status = ValidateLayers("dynamics_hidden", n.dynamics_hidden); !status.ok()) {
    return status;
  }
  if (!n.observation_scale.empty()) {
    if (static_cast<int>(n.observation_scale.size()) != observation_dim) {
      return absl::InvalidArgumentError(
          absl::StrCat("observation_scale has ", n.observation_scale.size(),
                       " numbers, the task's observation ", observation_dim));
    }
    for (float scale : n.observation_scale) {
      if (!std::isfinite(scale) || scale == 0) {
        return Reject("observation_scale", scale, "finite and not 0");
      }
    }
    if (n.normalize_observations) {
      return absl::InvalidArgumentError(
          "observation_scale and normalize_observations exclude each other; choose one");
    }
  }
  if (!(n.log_std_min < n.log_std_max))
    return Reject("log_std_min", n.log_std_min, "below log_std_max");
  if (!std::isfinite(n.log_std_multiplier) || !std::isfinite(n.log_std_offset)) {
    return absl::InvalidArgumentError("log_std_multiplier and log_std_offset must be finite");
  }
  return absl::OkStatus();
}

absl::Status ValidateOptimizer(const OptimizerConfig& o, bool both_sources) {
  if (!(o.learning_rate > 0)) return Reject("learning_rate", o.learning_rate, "above 0");
  if (!(o.learning_rate_constant_part >= 0 && o.learning_rate_constant_part <= 1)) {
    return Reject("learning_rate_constant_part", o.learning_rate_constant_part, "in [0, 1]");
  }
  if (!(o.learning_rate_final_fraction >= 0)) {
    return Reject("learning_rate_final_fraction", o.learning_rate_final_fraction, "at least 0");
  }
  if (o.batch_size < 1) return Reject("batch_size", o.batch_size, "at least 1");
  if (both_sources) {
    if (!(o.real_fraction > 0 && o.real_fraction < 1)) {
      return Reject("real_fraction", o.real_fraction, "above 0 and below 1");
    }
    // To what a fraction like 0.1 loses in binary.
    const double real = o.batch_size * o.real_fraction;
    if (std::abs(real - std::round(real)) > 1e-9 * o.batch_size || std::lround(real) < 1 ||
        std::lround(real) >= o.batch_size) {
      return absl::InvalidArgumentError(
          absl::StrCat("real_fraction ", o.real_fraction, " of batch_size ", o.batch_size, " is ",
                       real, " rows; both sources need a whole number of rows, at least 1"));
    }
  }
  if (o.discriminator_batch_size < 0) {
    return Reject("discriminator_batch_size", o.discriminator_batch_size, "at least 1, or 0");
  }
  if (!(o.discount >= 0 && o.discount <= 1)) return Reject("discount", o.discount, "in [0, 1]");
  if (!(o.tau >= 0 && o.tau <= 1)) return Reject("tau", o.tau, "in [0, 1]");
  if (!std::isfinite(o.reward_scale)) return Reject("reward_scale", o.reward_scale, "finite");
  if (!(o.initial_temperature > 0)) {
    return Reject("initial_temperature", o.initial_temperature, "above 0");
  }
  if (!(o.policy_average > 0 && o.policy_average <= 1)) {
    return Reject("policy_average", o.policy_average, "in (0, 1]");
  }
  return absl::OkStatus();
}

}  // namespace

bool AlgorithmConfig::HasGapRegularizer() const {
  return regularizer == Regularizer::kWeightedLogSumExp ||
         regularizer == Regularizer::kWeightedMean;
}

bool AlgorithmConfig::NeedsGap() const {
  return HasGapRegularizer() && gap_weight != GapWeight::kUniform;
}

bool AlgorithmConfig::NeedsDynamicsModel() const {
  return HasGapRegularizer() && gap_weight == GapWeight::kReverseDynamicsGap;
}

bool AlgorithmConfig::NeedsRatio() const {
  return critic_weight == CriticWeight::kDynamicsRatio ||
         reward_shaping == RewardShaping::kDynamicsLogRatio;
}

bool AlgorithmConfig::NeedsDiscriminators() const {
  return NeedsGap() || NeedsRatio() || always_train_discriminators;
}

int LearnerConfig::RealRows() const {
  if (!algorithm.UsesReal()) return 0;
  if (!algorithm.UsesSim()) return optimizer.batch_size;
  return static_cast<int>(std::lround(optimizer.batch_size * optimizer.real_fraction));
}

int LearnerConfig::RealRowsDrawn() const {
  return RealRows() + (algorithm.NeedsDiscriminators() ? optimizer.DiscriminatorBatchSize() : 0);
}

int LearnerConfig::SimRowsDrawn() const {
  return SimRows() + (algorithm.NeedsDiscriminators() ? optimizer.DiscriminatorBatchSize() : 0);
}

double OptimizerConfig::LearningRateAt(uint64_t steps_done) const {
  const double total = static_cast<double>(gradient_steps);
  const double done = static_cast<double>(steps_done);
  const double constant = learning_rate_constant_part * total;
  if (done <= constant || total <= constant) return learning_rate;
  const double part = std::min(1.0, (done - constant) / (total - constant));
  return learning_rate * (1 + part * (learning_rate_final_fraction - 1));
}

absl::StatusOr<AlgorithmConfig> AlgorithmByName(absl::string_view name) {
  for (const Row& row : kTable) {
    if (name != row.name) continue;
    AlgorithmConfig config;
    config.name = row.name;
    config.data = row.data;
    config.reward_shaping = row.reward_shaping;
    config.critic_weight = row.critic_weight;
    config.regularizer = row.regularizer;
    config.gap_weight = row.gap_weight;
    config.backup = row.backup;
    config.backup_entropy = row.backup_entropy;
    config.min_q_weight = row.min_q_weight;
    return config;
  }
  return absl::NotFoundError(absl::StrCat("no algorithm is called '", std::string(name),
                                          "'; there are ", absl::StrJoin(AlgorithmNames(), ", ")));
}

std::vector<std::string> AlgorithmNames() {
  std::vector<std::string> names;
  for (const Row& row : kTable) names.emplace_back(row.name);
  return names;
}

absl::Status Validate(const LearnerConfig& config) {
  if (config.observation_dim < 1)
    return Reject("observation_dim", config.observation_dim, "at least 1");
  if (config.action_dim < 1) return Reject("action_dim", config.action_dim, "at least 1");
  if (auto status = ValidateAlgorithm(config.algorithm); !status.ok()) return status;
  if (auto status = ValidateNetworks(config.networks, config.observation_dim); !status.ok()) {
    return status;
  }
  return ValidateOptimizer(config.optimizer, config.algorithm.UsesBoth());
}

}  // namespace estuary::learner
