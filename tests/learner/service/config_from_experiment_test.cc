#include "learner/service/config_from_experiment.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include "common/experiment/algorithms.h"
#include "common/experiment/experiment.h"

namespace estuary::learner {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using A = v1::Algorithm;

v1::Experiment Effective(const std::string& algorithm) {
  v1::Experiment experiment;
  experiment.set_name("x");
  experiment.set_task("half_cheetah");
  experiment.mutable_dataset()->set_transitions(1000);
  experiment.mutable_algorithm()->set_name(algorithm);
  EXPECT_TRUE(experiment::FillDefaults(experiment).ok());
  return experiment;
}

LearnerConfig Convert(const v1::Experiment& experiment) {
  auto config = ConfigFromExperiment(experiment, 17, 6);
  EXPECT_TRUE(config.ok()) << config.status();
  return *std::move(config);
}

// The choices that decide how an algorithm learns; gap_weight counts only where it is read.
void ExpectSameAlgorithm(const AlgorithmConfig& a, const AlgorithmConfig& b) {
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.data, b.data);
  EXPECT_EQ(a.reward_shaping, b.reward_shaping);
  EXPECT_EQ(a.critic_weight, b.critic_weight);
  EXPECT_EQ(a.regularizer, b.regularizer);
  EXPECT_EQ(a.NeedsGap(), b.NeedsGap());
  EXPECT_EQ(a.NeedsRatio(), b.NeedsRatio());
  EXPECT_EQ(a.NeedsDiscriminators(), b.NeedsDiscriminators());
  EXPECT_EQ(a.backup_entropy, b.backup_entropy);
  EXPECT_EQ(a.min_q_weight, b.min_q_weight);
  EXPECT_EQ(a.ratio_min, b.ratio_min);
  EXPECT_EQ(a.ratio_max, b.ratio_max);
  EXPECT_EQ(a.gap_min, b.gap_min);
  EXPECT_EQ(a.gap_max, b.gap_max);
  EXPECT_EQ(a.gap_samples, b.gap_samples);
  EXPECT_EQ(a.cql_actions, b.cql_actions);
  EXPECT_EQ(a.reward_shaping_clip, b.reward_shaping_clip);
  EXPECT_EQ(a.next_state_noise, b.next_state_noise);
  EXPECT_EQ(a.discriminator_input, b.discriminator_input);
  EXPECT_EQ(a.discriminator_noise, b.discriminator_noise);
  EXPECT_EQ(a.NeedsDynamicsModel(), b.NeedsDynamicsModel());
  EXPECT_EQ(a.backup, b.backup);
  EXPECT_EQ(a.exploit_coefficient, b.exploit_coefficient);
  EXPECT_EQ(a.value_expectile, b.value_expectile);
  EXPECT_EQ(a.dynamics_model.steps, b.dynamics_model.steps);
  EXPECT_EQ(a.dynamics_model.learning_rate, b.dynamics_model.learning_rate);
  EXPECT_EQ(a.dynamics_model.batch_size, b.dynamics_model.batch_size);
}

TEST(ConfigFromExperiment, BothTablesOfAlgorithmsSayTheSame) {
  std::vector<std::string> names = experiment::AlgorithmNames();
  EXPECT_THAT(AlgorithmNames(), testing::UnorderedElementsAreArray(names));
  for (const std::string& name : names) {
    SCOPED_TRACE(name);
    ExpectSameAlgorithm(Convert(Effective(name)).algorithm, *AlgorithmByName(name));
  }
}

TEST(ConfigFromExperiment, DefaultsAreTheCoresDefaults) {
  const LearnerConfig config = Convert(Effective("h2o"));
  const NetworkConfig networks;
  EXPECT_EQ(config.observation_dim, 17);
  EXPECT_EQ(config.action_dim, 6);
  EXPECT_EQ(config.networks.hidden, networks.hidden);
  EXPECT_EQ(config.networks.discriminator_hidden, networks.discriminator_hidden);
  EXPECT_EQ(config.networks.dynamics_hidden, networks.dynamics_hidden);
  EXPECT_EQ(config.networks.observation_scale, networks.observation_scale);
  EXPECT_EQ(config.networks.normalize_observations, networks.normalize_observations);
  EXPECT_EQ(config.networks.log_std_multiplier, networks.log_std_multiplier);
  EXPECT_EQ(config.networks.log_std_offset, networks.log_std_offset);
  EXPECT_EQ(config.networks.log_std_min, networks.log_std_min);
  EXPECT_EQ(config.networks.log_std_max, networks.log_std_max);
  EXPECT_EQ(config.networks.fixed_log_std, networks.fixed_log_std);
  const OptimizerConfig optimizer;
  EXPECT_EQ(config.optimizer.learning_rate, optimizer.learning_rate);
  EXPECT_EQ(config.optimizer.learning_rate_constant_part, optimizer.learning_rate_constant_part);
  EXPECT_EQ(config.optimizer.learning_rate_final_fraction, optimizer.learning_rate_final_fraction);
  EXPECT_EQ(config.optimizer.gradient_steps, optimizer.gradient_steps);
  EXPECT_EQ(config.optimizer.batch_size, optimizer.batch_size);
  EXPECT_EQ(config.optimizer.real_fraction, optimizer.real_fraction);
  EXPECT_EQ(config.optimizer.DiscriminatorBatchSize(), optimizer.DiscriminatorBatchSize());
  EXPECT_EQ(config.optimizer.discount, optimizer.discount);
  EXPECT_EQ(config.optimizer.tau, optimizer.tau);
  EXPECT_EQ(config.optimizer.reward_scale, optimizer.reward_scale);
  EXPECT_EQ(config.optimizer.target_entropy, optimizer.target_entropy);
  EXPECT_EQ(config.TargetEntropy(), -6);
  EXPECT_EQ(config.optimizer.initial_temperature, optimizer.initial_temperature);
  EXPECT_EQ(config.optimizer.policy_average, optimizer.policy_average);
}

TEST(ConfigFromExperiment, EveryFieldOfTheAlgorithmArrives) {
  v1::Experiment experiment = Effective("h2o");
  A& a = *experiment.mutable_algorithm();
  a.set_reward_shaping(A::DYNAMICS_LOG_RATIO);
  a.set_critic_weight(A::NO_WEIGHT);
  a.set_regularizer(A::WEIGHTED_MEAN);
  a.set_gap_weight(A::UNIFORM);
  a.set_backup_entropy(true);
  a.set_min_q_weight(0.5);
  a.set_ratio_min(0.25);
  a.set_ratio_max(3);
  a.set_gap_min(0.125);
  a.set_gap_max(7);
  a.set_gap_samples(3);
  a.set_cql_actions(4);
  a.set_reward_shaping_clip(2);
  a.set_next_state_noise(A::AUTHORS_CODE);
  a.set_discriminator_input(A::SCALED_DIFFERENCE);
  a.set_discriminator_noise(0.75);
  a.set_backup(A::VALUE_BLEND);
  a.set_exploit_coefficient(0.25);
  a.set_value_expectile(0.625);
  a.set_dynamics_model_steps(77);
  a.set_dynamics_model_learning_rate(0.5);
  a.set_dynamics_model_batch_size(19);
  const AlgorithmConfig config = Convert(experiment).algorithm;
  EXPECT_EQ(config.reward_shaping, RewardShaping::kDynamicsLogRatio);
  EXPECT_EQ(config.critic_weight, CriticWeight::kNone);
  EXPECT_EQ(config.regularizer, Regularizer::kWeightedMean);
  EXPECT_EQ(config.gap_weight, GapWeight::kUniform);
  EXPECT_TRUE(config.backup_entropy);
  EXPECT_EQ(config.min_q_weight, 0.5);
  EXPECT_EQ(config.ratio_min, 0.25);
  EXPECT_EQ(config.ratio_max, 3);
  EXPECT_EQ(config.gap_min, 0.125);
  EXPECT_EQ(config.gap_max, 7);
  EXPECT_EQ(config.gap_samples, 3);
  EXPECT_EQ(config.cql_actions, 4);
  EXPECT_EQ(config.reward_shaping_clip, 2);
  EXPECT_EQ(config.next_state_noise, NextStateNoise::kAuthorsCode);
  EXPECT_EQ(config.discriminator_input, DiscriminatorInput::kScaledDifference);
  EXPECT_EQ(config.discriminator_noise, 0.75);
  EXPECT_EQ(config.backup, Backup::kValueBlend);
  EXPECT_EQ(config.exploit_coefficient, 0.25);
  EXPECT_EQ(config.value_expectile, 0.625);
  EXPECT_EQ(config.dynamics_model.steps, 77u);
  EXPECT_EQ(config.dynamics_model.learning_rate, 0.5);
  EXPECT_EQ(config.dynamics_model.batch_size, 19);
}

TEST(ConfigFromExperiment, EveryFieldOfNetworksAndOptimizerArrives) {
  v1::Experiment experiment = Effective("sac");
  v1::Networks& n = *experiment.mutable_networks();
  n.clear_hidden();
  n.add_hidden(32);
  n.clear_discriminator_hidden();
  n.add_discriminator_hidden(8);
  n.add_discriminator_hidden(9);
  n.clear_dynamics_hidden();
  n.add_dynamics_hidden(7);
  for (int i = 0; i < 17; ++i) n.add_observation_scale(0.5f + static_cast<float>(i));
  n.set_log_std_multiplier(0.5);
  n.set_log_std_offset(-2);
  n.set_log_std_min(-5);
  n.set_log_std_max(1);
  n.set_fixed_log_std(true);
  v1::Optimizer& o = *experiment.mutable_optimizer();
  o.set_learning_rate(1e-3);
  o.set_learning_rate_constant_part(0.5);
  o.set_learning_rate_final_fraction(0.25);
  o.set_batch_size(32);
  o.set_real_fraction(0.75);
  o.set_discriminator_batch_size(48);
  o.set_discount(0.9);
  o.set_tau(0.01);
  o.set_reward_scale(5);
  o.set_target_entropy(-1.5);
  o.set_initial_temperature(0.2);
  o.set_policy_average(0.001);
  experiment.mutable_budget()->set_gradient_steps(4321);
  const LearnerConfig config = Convert(experiment);
  EXPECT_THAT(config.networks.hidden, ElementsAre(32));
  EXPECT_THAT(config.networks.discriminator_hidden, ElementsAre(8, 9));
  EXPECT_THAT(config.networks.dynamics_hidden, ElementsAre(7));
  EXPECT_EQ(config.networks.observation_scale.size(), 17u);
  EXPECT_EQ(config.networks.observation_scale[16], 16.5f);
  EXPECT_EQ(config.networks.log_std_multiplier, 0.5);
  EXPECT_EQ(config.networks.log_std_offset, -2);
  EXPECT_EQ(config.networks.log_std_min, -5);
  EXPECT_EQ(config.networks.log_std_max, 1);
  EXPECT_TRUE(config.networks.fixed_log_std);
  EXPECT_EQ(config.optimizer.learning_rate, 1e-3);
  EXPECT_EQ(config.optimizer.learning_rate_constant_part, 0.5);
  EXPECT_EQ(config.optimizer.learning_rate_final_fraction, 0.25);
  EXPECT_EQ(config.optimizer.batch_size, 32);
  EXPECT_EQ(config.optimizer.real_fraction, 0.75);
  EXPECT_EQ(config.optimizer.discriminator_batch_size, 48);
  EXPECT_EQ(config.optimizer.discount, 0.9);
  EXPECT_EQ(config.optimizer.tau, 0.01);
  EXPECT_EQ(config.optimizer.reward_scale, 5);
  EXPECT_EQ(config.optimizer.target_entropy, -1.5);
  EXPECT_EQ(config.optimizer.initial_temperature, 0.2);
  EXPECT_EQ(config.optimizer.policy_average, 0.001);
  EXPECT_EQ(config.optimizer.gradient_steps, 4321u);

  n.clear_observation_scale();
  n.set_normalize_observations(true);
  EXPECT_TRUE(Convert(experiment).networks.normalize_observations);
}

// A field that is added to the messages must be added to the conversion, and counted here.
TEST(ConfigFromExperiment, NoFieldOfTheMessagesIsUnknownHere) {
  EXPECT_EQ(v1::Algorithm::descriptor()->field_count(), 24);
  EXPECT_EQ(v1::Networks::descriptor()->field_count(), 10);
  EXPECT_EQ(v1::Optimizer::descriptor()->field_count(), 12);
}

TEST(ConfigFromExperiment, RefusesWhatDoesNotFitTheTask) {
  v1::Experiment experiment = Effective("sac");
  experiment.mutable_networks()->add_observation_scale(1);
  const absl::Status status = ConfigFromExperiment(experiment, 17, 6).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(status.message(), HasSubstr("observation_scale has 1 numbers"));
}

TEST(ConfigFromExperiment, RefusesAnEffectiveExperimentThatIsNot) {
  v1::Experiment experiment = Effective("sac");
  experiment.mutable_algorithm()->clear_data();
  EXPECT_THAT(ConfigFromExperiment(experiment, 17, 6).status().message(),
              HasSubstr("algorithm.data is 0"));
}

TEST(ConfigFromExperiment, TakesTheDeviceByName) {
  v1::Experiment experiment = Effective("sac");
  experiment.mutable_cluster()->set_device(v1::Cluster::CPU);
  EXPECT_EQ(DeviceFromExperiment(experiment), Device::kCpu);
  experiment.mutable_cluster()->set_device(v1::Cluster::CUDA);
  EXPECT_EQ(DeviceFromExperiment(experiment), Device::kCuda);
  experiment.mutable_cluster()->set_device(v1::Cluster::AUTO);
  EXPECT_EQ(DeviceFromExperiment(experiment), BestDevice());
}

TEST(ConfigFromExperiment, ChoosesTheDeviceThatTheEngineOrTheSizeAsksFor) {
  v1::Experiment experiment = Effective("sac");
  experiment.mutable_cluster()->set_device(v1::Cluster::AUTO);
  experiment.mutable_cluster()->set_engine(v1::Cluster::CUDA_GRAPH);
  EXPECT_EQ(DeviceFromExperiment(experiment), Device::kCuda);
  EXPECT_EQ(EngineFromExperiment(experiment), EngineKind::kGraph);
  experiment.mutable_cluster()->set_device(v1::Cluster::CPU);
  EXPECT_THAT(ConfigFromExperiment(experiment, 17, 6).status().message(),
              HasSubstr("CUDA_GRAPH on device CPU"));
  experiment.mutable_cluster()->set_device(v1::Cluster::AUTO);
  experiment.mutable_cluster()->set_engine(v1::Cluster::ENGINE_UNSPECIFIED);
  experiment.mutable_optimizer()->set_batch_size(32);
  experiment.mutable_networks()->clear_hidden();
  for (int i = 0; i < 2; ++i) experiment.mutable_networks()->add_hidden(32);
  EXPECT_EQ(DeviceFromExperiment(experiment), Device::kCpu);
}

TEST(ConfigFromExperiment, TakesTheEngineByName) {
  v1::Experiment experiment;
  EXPECT_EQ(EngineFromExperiment(experiment), EngineKind::kAuto);
  experiment.mutable_cluster()->set_engine(v1::Cluster::EAGER);
  EXPECT_EQ(EngineFromExperiment(experiment), EngineKind::kEager);
  experiment.mutable_cluster()->set_engine(v1::Cluster::NATIVE);
  EXPECT_EQ(EngineFromExperiment(experiment), EngineKind::kNative);
}

}  // namespace
}  // namespace estuary::learner
