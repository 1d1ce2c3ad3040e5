// What an experiment says about learning, as plain structs: the names and defaults of
// proto/estuary/v1/experiment.proto without protobuf, so that the numerical core builds alone.
//
// An algorithm is a choice of data, reward shaping, critic weight, regulariser and so on, not a
// class: AlgorithmByName() gives the choices of one row of the table in algorithms.md, and each may
// be changed afterwards.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace estuary::learner {

enum class Data { kSim, kReal, kRealAndSim };
enum class RewardShaping { kNone, kDynamicsLogRatio };
enum class CriticWeight { kNone, kDynamicsRatio };
enum class Regularizer { kNone, kWeightedLogSumExp, kWeightedMean, kCql };
enum class GapWeight { kDynamicsGap, kUniform, kReverseDynamicsGap };
enum class Backup { kTargetCritics, kValueBlend };
enum class NextStateNoise { kDatasetStd, kAuthorsCode };
enum class DiscriminatorInput { kNextObservation, kScaledDifference };

// How the model of the real dynamics is learned.
struct DynamicsModelConfig {
  uint64_t steps = 20'000;
  double learning_rate = 1e-3;
  int batch_size = 256;
};

struct AlgorithmConfig {
  std::string name = "h2o";
  Data data = Data::kRealAndSim;
  RewardShaping reward_shaping = RewardShaping::kNone;
  CriticWeight critic_weight = CriticWeight::kDynamicsRatio;
  Regularizer regularizer = Regularizer::kWeightedLogSumExp;
  GapWeight gap_weight = GapWeight::kDynamicsGap;
  // The entropy term in the critics' targets.
  bool backup_entropy = false;
  // beta.
  double min_q_weight = 0.01;
  double ratio_min = 1e-5;
  double ratio_max = 1;
  double gap_min = 1e-45;
  double gap_max = 10;
  // N of eq. 33.
  int gap_samples = 10;
  // CQL's actions of each of its three kinds.
  int cql_actions = 10;
  double reward_shaping_clip = 10;
  NextStateNoise next_state_noise = NextStateNoise::kDatasetStd;
  // With kScaledDifference the noise on next states is one standard deviation of s' - s, whatever
  // next_state_noise says.
  DiscriminatorInput discriminator_input = DiscriminatorInput::kNextObservation;
  double discriminator_noise = 0.1;
  Backup backup = Backup::kTargetCritics;
  // lambda of kValueBlend, and the expectile that its net V learns.
  double exploit_coefficient = 0.5;
  double value_expectile = 0.5;
  // kReverseDynamicsGap's model of the dynamics (dynamics_model.h).
  DynamicsModelConfig dynamics_model;
  // Train the discriminators even where no loss reads them, as a measure of the gap.
  bool always_train_discriminators = false;

  bool UsesReal() const { return data != Data::kSim; }
  bool UsesSim() const { return data != Data::kReal; }
  bool UsesBoth() const { return data == Data::kRealAndSim; }
  // H2O's regulariser in either form.
  bool HasGapRegularizer() const;
  // u comes from the discriminators, not from a constant.
  bool NeedsGap() const;
  // u is taken at next states of a learned model of the dynamics.
  bool NeedsDynamicsModel() const;
  // The net V.
  bool NeedsValue() const { return backup == Backup::kValueBlend; }
  // The log ratio at the simulated transitions enters a loss.
  bool NeedsRatio() const;
  bool NeedsDiscriminators() const;
};

struct NetworkConfig {
  std::vector<int> hidden = {256, 256};
  std::vector<int> discriminator_hidden = {256, 256};
  std::vector<int> dynamics_hidden = {256, 256};
  // x = observation * scale before every net; empty: none.
  std::vector<float> observation_scale;
  // x = (observation - mean) / (std + 1e-3) with the moments of D.
  bool normalize_observations = false;
  double log_std_multiplier = 1;
  double log_std_offset = -1;
  double log_std_min = -20;
  double log_std_max = 2;
  // The two above the limits are constants instead of parameters.
  bool fixed_log_std = false;
};

struct OptimizerConfig {
  double learning_rate = 3e-4;
  // For policy, critics and temperature: constant for this part of the run, then linear to
  // learning_rate_final_fraction of it at gradient_steps.
  double learning_rate_constant_part = 1;
  double learning_rate_final_fraction = 1;
  // The length of the run (Budget.gradient_steps), for the schedule.
  uint64_t gradient_steps = 1'000'000;
  // real_fraction of it real where two sources are used.
  int batch_size = 256;
  double real_fraction = 0.5;
  // Of each source; 0: batch_size.
  int discriminator_batch_size = 0;
  double discount = 0.99;
  double tau = 5e-3;
  // Multiplies the stored rewards; DARC's correction is added after it.
  double reward_scale = 1;
  // Absent: minus the action's dimension.
  std::optional<double> target_entropy;
  // alpha at the start.
  double initial_temperature = 1;
  // The published policy is an exponential average of the weights with this step; 1: the weights.
  double policy_average = 1;

  int DiscriminatorBatchSize() const {
    return discriminator_batch_size > 0 ? discriminator_batch_size : batch_size;
  }
  // For policy, critics and temperature, at the step that follows `steps_done` steps.
  double LearningRateAt(uint64_t steps_done) const;
};

struct LearnerConfig {
  int observation_dim = 0;
  int action_dim = 0;
  AlgorithmConfig algorithm;
  NetworkConfig networks;
  OptimizerConfig optimizer;

  double TargetEntropy() const {
    return optimizer.target_entropy.value_or(-static_cast<double>(action_dim));
  }
  // Rows of each source in the batch of critics and policy.
  int RealRows() const;
  int SimRows() const { return algorithm.UsesSim() ? optimizer.batch_size - RealRows() : 0; }
  // Rows that one step draws of each table in all, the discriminators' included.
  int RealRowsDrawn() const;
  int SimRowsDrawn() const;
};

// One row of the table: sac, cql, darc, darc_plus, h2o, h2o_v, h2o_a, h2o_dr, h2o_a_dr, h2o_reg,
// h2o_reg_dr, h2o_reverse_kl, h2o_plus. NOT_FOUND lists the known names.
absl::StatusOr<AlgorithmConfig> AlgorithmByName(absl::string_view name);
std::vector<std::string> AlgorithmNames();

// INVALID_ARGUMENT names the first option that is out of range or contradicts another.
absl::Status Validate(const LearnerConfig& config);

}  // namespace estuary::learner
