#include "learner/service/config_from_experiment.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/process/status.h"

namespace estuary::learner {
namespace {

using A = v1::Algorithm;

absl::Status Unknown(const char* field, int value) {
  return absl::InvalidArgumentError(
      absl::StrCat("algorithm.", field, " is ", value, ", which this learner does not know"));
}

absl::StatusOr<Data> ToData(A::Data data) {
  switch (data) {
    case A::SIM:
      return Data::kSim;
    case A::REAL:
      return Data::kReal;
    case A::REAL_AND_SIM:
      return Data::kRealAndSim;
    default:
      return Unknown("data", data);
  }
}

absl::StatusOr<RewardShaping> ToRewardShaping(A::RewardShaping shaping) {
  switch (shaping) {
    case A::NO_SHAPING:
      return RewardShaping::kNone;
    case A::DYNAMICS_LOG_RATIO:
      return RewardShaping::kDynamicsLogRatio;
    default:
      return Unknown("reward_shaping", shaping);
  }
}

absl::StatusOr<CriticWeight> ToCriticWeight(A::CriticWeight weight) {
  switch (weight) {
    case A::NO_WEIGHT:
      return CriticWeight::kNone;
    case A::DYNAMICS_RATIO:
      return CriticWeight::kDynamicsRatio;
    default:
      return Unknown("critic_weight", weight);
  }
}

absl::StatusOr<Regularizer> ToRegularizer(A::Regularizer regularizer) {
  switch (regularizer) {
    case A::NO_REGULARIZER:
      return Regularizer::kNone;
    case A::WEIGHTED_LOG_SUM_EXP:
      return Regularizer::kWeightedLogSumExp;
    case A::WEIGHTED_MEAN:
      return Regularizer::kWeightedMean;
    case A::CQL:
      return Regularizer::kCql;
    default:
      return Unknown("regularizer", regularizer);
  }
}

absl::StatusOr<GapWeight> ToGapWeight(A::GapWeight weight) {
  switch (weight) {
    case A::DYNAMICS_GAP:
      return GapWeight::kDynamicsGap;
    case A::UNIFORM:
      return GapWeight::kUniform;
    case A::REVERSE_DYNAMICS_GAP:
      return GapWeight::kReverseDynamicsGap;
    default:
      return Unknown("gap_weight", weight);
  }
}

absl::StatusOr<Backup> ToBackup(A::Backup backup) {
  switch (backup) {
    case A::TARGET_CRITICS:
      return Backup::kTargetCritics;
    case A::VALUE_BLEND:
      return Backup::kValueBlend;
    default:
      return Unknown("backup", backup);
  }
}

absl::StatusOr<NextStateNoise> ToNextStateNoise(A::NextStateNoise noise) {
  switch (noise) {
    case A::DATASET_STD:
      return NextStateNoise::kDatasetStd;
    case A::AUTHORS_CODE:
      return NextStateNoise::kAuthorsCode;
    default:
      return Unknown("next_state_noise", noise);
  }
}

absl::StatusOr<DiscriminatorInput> ToDiscriminatorInput(A::DiscriminatorInput input) {
  switch (input) {
    case A::NEXT_OBSERVATION:
      return DiscriminatorInput::kNextObservation;
    case A::SCALED_DIFFERENCE:
      return DiscriminatorInput::kScaledDifference;
    default:
      return Unknown("discriminator_input", input);
  }
}

absl::StatusOr<AlgorithmConfig> ToAlgorithm(const A& a) {
  AlgorithmConfig config;
  config.name = a.name();
  ESTUARY_ASSIGN_OR_RETURN(config.data, ToData(a.data()));
  ESTUARY_ASSIGN_OR_RETURN(config.reward_shaping, ToRewardShaping(a.reward_shaping()));
  ESTUARY_ASSIGN_OR_RETURN(config.critic_weight, ToCriticWeight(a.critic_weight()));
  ESTUARY_ASSIGN_OR_RETURN(config.regularizer, ToRegularizer(a.regularizer()));
  ESTUARY_ASSIGN_OR_RETURN(config.gap_weight, ToGapWeight(a.gap_weight()));
  config.backup_entropy = a.backup_entropy();
  config.min_q_weight = a.min_q_weight();
  config.ratio_min = a.ratio_min();
  config.ratio_max = a.ratio_max();
  config.gap_min = a.gap_min();
  config.gap_max = a.gap_max();
  config.gap_samples = static_cast<int>(a.gap_samples());
  config.cql_actions = static_cast<int>(a.cql_actions());
  config.reward_shaping_clip = a.reward_shaping_clip();
  ESTUARY_ASSIGN_OR_RETURN(config.next_state_noise, ToNextStateNoise(a.next_state_noise()));
  ESTUARY_ASSIGN_OR_RETURN(config.discriminator_input,
                           ToDiscriminatorInput(a.discriminator_input()));
  config.discriminator_noise = a.discriminator_noise();
  ESTUARY_ASSIGN_OR_RETURN(config.backup, ToBackup(a.backup()));
  config.exploit_coefficient = a.exploit_coefficient();
  config.value_expectile = a.value_expectile();
  config.dynamics_model = {.steps = a.dynamics_model_steps(),
                           .learning_rate = a.dynamics_model_learning_rate(),
                           .batch_size = static_cast<int>(a.dynamics_model_batch_size())};
  return config;
}

NetworkConfig ToNetworks(const v1::Networks& n) {
  NetworkConfig config;
  config.hidden.assign(n.hidden().begin(), n.hidden().end());
  config.discriminator_hidden.assign(n.discriminator_hidden().begin(),
                                     n.discriminator_hidden().end());
  config.dynamics_hidden.assign(n.dynamics_hidden().begin(), n.dynamics_hidden().end());
  config.observation_scale.assign(n.observation_scale().begin(), n.observation_scale().end());
  config.normalize_observations = n.normalize_observations();
  config.log_std_multiplier = n.log_std_multiplier();
  config.log_std_offset = n.log_std_offset();
  config.log_std_min = n.log_std_min();
  config.log_std_max = n.log_std_max();
  config.fixed_log_std = n.fixed_log_std();
  return config;
}

OptimizerConfig ToOptimizer(const v1::Optimizer& o, uint64_t gradient_steps) {
  OptimizerConfig config;
  config.learning_rate = o.learning_rate();
  config.learning_rate_constant_part = o.learning_rate_constant_part();
  config.learning_rate_final_fraction = o.learning_rate_final_fraction();
  config.gradient_steps = gradient_steps;
  config.batch_size = static_cast<int>(o.batch_size());
  config.real_fraction = o.real_fraction();
  config.discriminator_batch_size = static_cast<int>(o.discriminator_batch_size());
  config.discount = o.discount();
  config.tau = o.tau();
  config.reward_scale = o.reward_scale();
  if (o.has_target_entropy()) config.target_entropy = o.target_entropy();
  config.initial_temperature = o.initial_temperature();
  config.policy_average = o.policy_average();
  return config;
}

// Rows times the hidden layers' products, of which the native engine does as many in the time that
// a GPU needs for the launches of a step alone (some 80 us, by estimate: no GPU was measured yet).
constexpr double kLeastGpuWork = 256 * 1024;

bool TooSmallForAGpu(const v1::Experiment& effective) {
  const auto& hidden = effective.networks().hidden();
  double work = 0;
  for (int i = 0; i < hidden.size(); ++i) {
    work += static_cast<double>(hidden[i]) * hidden[std::max(i - 1, 0)];
  }
  return effective.optimizer().batch_size() * work / 2 < kLeastGpuWork;
}

}  // namespace

absl::StatusOr<LearnerConfig> ConfigFromExperiment(const v1::Experiment& effective,
                                                   int observation_dim, int action_dim) {
  LearnerConfig config;
  config.observation_dim = observation_dim;
  config.action_dim = action_dim;
  ESTUARY_ASSIGN_OR_RETURN(config.algorithm, ToAlgorithm(effective.algorithm()));
  config.networks = ToNetworks(effective.networks());
  config.optimizer = ToOptimizer(effective.optimizer(), effective.budget().gradient_steps());
  const absl::Status valid = Validate(config);
  if (!valid.ok()) return process::Annotate(valid, "the experiment");
  const v1::Cluster& cluster = effective.cluster();
  if (cluster.engine() == v1::Cluster::CUDA_GRAPH && cluster.device() == v1::Cluster::CPU) {
    return absl::InvalidArgumentError(
        "the experiment asks for engine CUDA_GRAPH on device CPU; set device to CUDA or AUTO, or "
        "choose engine NATIVE");
  }
  return config;
}

Device DeviceFromExperiment(const v1::Experiment& effective) {
  const v1::Cluster& cluster = effective.cluster();
  switch (cluster.device()) {
    case v1::Cluster::CPU:
      return Device::kCpu;
    case v1::Cluster::CUDA:
      return Device::kCuda;
    default:
      break;
  }
  // The graph engine is asked for by name: it says why where it cannot be had.
  if (cluster.engine() == v1::Cluster::CUDA_GRAPH) return Device::kCuda;
  if (cluster.engine() == v1::Cluster::NATIVE || TooSmallForAGpu(effective)) return Device::kCpu;
  return BestDevice();
}

EngineKind EngineFromExperiment(const v1::Experiment& effective) {
  switch (effective.cluster().engine()) {
    case v1::Cluster::EAGER:
      return EngineKind::kEager;
    case v1::Cluster::NATIVE:
      return EngineKind::kNative;
    case v1::Cluster::CUDA_GRAPH:
      return EngineKind::kGraph;
    default:
      return EngineKind::kAuto;
  }
}

}  // namespace estuary::learner
