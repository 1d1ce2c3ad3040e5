#include "learner/core/config.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "tests/learner/core/random_replay.h"

namespace estuary::learner {
namespace {

TEST(AlgorithmByName, GivesTheRowsOfTheTable) {
  const auto h2o = AlgorithmByName("h2o");
  ASSERT_TRUE(h2o.ok());
  EXPECT_EQ(h2o->data, Data::kRealAndSim);
  EXPECT_EQ(h2o->critic_weight, CriticWeight::kDynamicsRatio);
  EXPECT_EQ(h2o->regularizer, Regularizer::kWeightedLogSumExp);
  EXPECT_EQ(h2o->gap_weight, GapWeight::kDynamicsGap);
  EXPECT_FALSE(h2o->backup_entropy);
  EXPECT_EQ(h2o->min_q_weight, 0.01);
  const auto sac = AlgorithmByName("sac");
  ASSERT_TRUE(sac.ok());
  EXPECT_EQ(sac->data, Data::kSim);
  EXPECT_TRUE(sac->backup_entropy);
  EXPECT_FALSE(sac->NeedsDiscriminators());
  const auto cql = AlgorithmByName("cql");
  ASSERT_TRUE(cql.ok());
  EXPECT_EQ(cql->data, Data::kReal);
  EXPECT_EQ(cql->min_q_weight, 2.0);
  EXPECT_EQ(cql->cql_actions, 10);
}

TEST(AlgorithmByName, ListsTheKnownNamesForAnUnknownOne) {
  const auto unknown = AlgorithmByName("h3o");
  EXPECT_EQ(unknown.status().code(), absl::StatusCode::kNotFound);
  for (const std::string& name : AlgorithmNames()) {
    EXPECT_NE(unknown.status().message().find(name), absl::string_view::npos) << name;
  }
}

TEST(AlgorithmConfig, NeedsDiscriminatorsOnlyWhereALossReadsThem) {
  for (const char* name : {"h2o", "h2o_v", "h2o_a", "h2o_dr", "h2o_reg", "darc", "darc_plus",
                           "h2o_plus", "h2o_reverse_kl"}) {
    EXPECT_TRUE(AlgorithmByName(name)->NeedsDiscriminators()) << name;
  }
  for (const char* name : {"h2o_a_dr", "h2o_reg_dr", "sac", "cql"}) {
    EXPECT_FALSE(AlgorithmByName(name)->NeedsDiscriminators()) << name;
  }
}

TEST(AlgorithmConfig, HasTheExtraNetsOnlyWhereTheAlgorithmReadsThem) {
  for (const std::string& name : AlgorithmNames()) {
    EXPECT_EQ(AlgorithmByName(name)->NeedsValue(), name == "h2o_plus") << name;
    EXPECT_EQ(AlgorithmByName(name)->NeedsDynamicsModel(), name == "h2o_reverse_kl") << name;
  }
}

TEST(LearnerConfig, SharesTheBatchBetweenTheSources) {
  LearnerConfig config = SmallConfig("h2o");
  EXPECT_EQ(config.RealRows(), 8);
  EXPECT_EQ(config.SimRows(), 8);
  config.optimizer.batch_size = 20;
  config.optimizer.real_fraction = 0.1;
  EXPECT_TRUE(Validate(config).ok()) << Validate(config);
  EXPECT_EQ(config.RealRows(), 2);
  EXPECT_EQ(config.SimRows(), 18);
  config.algorithm = *AlgorithmByName("sac");
  EXPECT_EQ(config.RealRows(), 0);
  EXPECT_EQ(config.SimRows(), 20);
  config.algorithm = *AlgorithmByName("cql");
  EXPECT_EQ(config.RealRows(), 20);
  EXPECT_EQ(config.SimRows(), 0);
}

TEST(Validate, AcceptsEveryAlgorithmWithDefaults) {
  for (const std::string& name : AlgorithmNames()) {
    LearnerConfig config;
    config.observation_dim = 17;
    config.action_dim = 6;
    config.algorithm = *AlgorithmByName(name);
    EXPECT_TRUE(Validate(config).ok()) << name << ": " << Validate(config);
  }
}

void ExpectRejected(const LearnerConfig& config, const std::string& option) {
  const absl::Status status = Validate(config);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << option;
  EXPECT_NE(status.message().find(option), absl::string_view::npos) << option << ": " << status;
}

TEST(Validate, NamesTheOptionThatIsOutOfRange) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const LearnerConfig good = SmallConfig("h2o");
  LearnerConfig bad = good;
  bad.optimizer.learning_rate = nan;
  ExpectRejected(bad, "learning_rate");
  bad = good;
  bad.optimizer.batch_size = 15;
  ExpectRejected(bad, "batch_size");
  bad = good;
  bad.optimizer.real_fraction = 0.3;
  ExpectRejected(bad, "real_fraction");
  bad.optimizer.real_fraction = 1;
  ExpectRejected(bad, "real_fraction");
  bad = good;
  bad.algorithm.backup = Backup::kValueBlend;
  bad.algorithm.value_expectile = 1;
  ExpectRejected(bad, "value_expectile");
  bad.algorithm.value_expectile = 0.5;
  bad.algorithm.exploit_coefficient = 1.5;
  ExpectRejected(bad, "exploit_coefficient");
  bad = SmallConfig("sac");
  bad.algorithm.backup = Backup::kValueBlend;
  ExpectRejected(bad, "VALUE_BLEND");
  bad = good;
  bad.optimizer.tau = 1.5;
  ExpectRejected(bad, "tau");
  bad = good;
  bad.algorithm.gap_min = 1e-60;
  ExpectRejected(bad, "gap_min");
  bad = good;
  bad.algorithm.ratio_max = 1e-6;
  ExpectRejected(bad, "ratio_max");
  bad = good;
  bad.networks.hidden = {16, 0};
  ExpectRejected(bad, "hidden");
  bad = good;
  bad.networks.observation_scale = {1, 2};
  ExpectRejected(bad, "observation_scale");
  bad = good;
  bad.networks.observation_scale = {1, 2, 3};
  bad.networks.normalize_observations = true;
  ExpectRejected(bad, "normalize_observations");
  bad = good;
  bad.optimizer.policy_average = 0;
  ExpectRejected(bad, "policy_average");
}

TEST(Validate, RejectsChoicesThatContradictEachOther) {
  LearnerConfig config = SmallConfig("h2o");
  config.algorithm.data = Data::kSim;
  ExpectRejected(config, "REAL_AND_SIM");
  config = SmallConfig("cql");
  config.algorithm.data = Data::kSim;
  ExpectRejected(config, "CQL");
}

TEST(LearningRate, IsConstantAndThenLinearToItsFinalFraction) {
  OptimizerConfig o;
  o.learning_rate = 1e-3;
  o.gradient_steps = 1000;
  o.learning_rate_constant_part = 0.3;
  o.learning_rate_final_fraction = 0.05;
  EXPECT_DOUBLE_EQ(o.LearningRateAt(0), 1e-3);
  EXPECT_DOUBLE_EQ(o.LearningRateAt(300), 1e-3);
  EXPECT_DOUBLE_EQ(o.LearningRateAt(650), 1e-3 * 0.525);
  EXPECT_NEAR(o.LearningRateAt(1000), 0.05e-3, 1e-18);
  EXPECT_NEAR(o.LearningRateAt(5000), 0.05e-3, 1e-18);
}

TEST(LearningRate, StaysWhereNoScheduleIsAskedFor) {
  OptimizerConfig o;
  EXPECT_DOUBLE_EQ(o.LearningRateAt(0), 3e-4);
  EXPECT_DOUBLE_EQ(o.LearningRateAt(o.gradient_steps + 1), 3e-4);
}

}  // namespace
}  // namespace estuary::learner
