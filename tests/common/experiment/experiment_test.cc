#include "common/experiment/experiment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "common/experiment/algorithms.h"
#include "common/process/textproto.h"

namespace estuary::experiment {
namespace {

using ::testing::HasSubstr;

v1::Experiment Parse(const std::string& text) {
  v1::Experiment experiment;
  EXPECT_TRUE(process::ParseTextProto(text, "test", &experiment).ok());
  return experiment;
}

constexpr char kH2o[] =
    R"(name: "a" task: "half_cheetah" dataset { path: "d.h5" } algorithm { name: "h2o" })";

// The message of FillDefaults' refusal of kH2o with `text` added.
std::string Refusal(const std::string& text) {
  v1::Experiment experiment = Parse(std::string(kH2o) + text);
  return std::string(FillDefaults(experiment).message());
}

TEST(FillDefaults, GivesThePapersSettings) {
  v1::Experiment e = Parse(kH2o);
  ASSERT_TRUE(FillDefaults(e).ok());
  EXPECT_EQ(e.networks().hidden(0), 256);
  EXPECT_EQ(e.networks().hidden_size(), 2);
  EXPECT_EQ(e.networks().discriminator_hidden_size(), 2);
  EXPECT_EQ(e.optimizer().learning_rate(), 3e-4);
  EXPECT_EQ(e.optimizer().batch_size(), 256);
  EXPECT_EQ(e.optimizer().discriminator_batch_size(), 256);
  EXPECT_EQ(e.optimizer().tau(), 5e-3);
  EXPECT_EQ(e.optimizer().discount(), 0.99);
  EXPECT_EQ(e.algorithm().min_q_weight(), 0.01);
  EXPECT_EQ(e.algorithm().gap_samples(), 10);
  EXPECT_FALSE(e.algorithm().backup_entropy());
  EXPECT_EQ(e.algorithm().critic_weight(), v1::Algorithm::DYNAMICS_RATIO);
  EXPECT_EQ(e.algorithm().regularizer(), v1::Algorithm::WEIGHTED_LOG_SUM_EXP);
  EXPECT_EQ(e.budget().gradient_steps(), 1'000'000);
  EXPECT_EQ(e.evaluation().episodes(), 5);
  EXPECT_EQ(e.seed(), 1);
}

TEST(FillDefaults, ChangesNothingTheSecondTime) {
  v1::Experiment once = Parse(kH2o);
  ASSERT_TRUE(FillDefaults(once).ok());
  v1::Experiment twice = once;
  ASSERT_TRUE(FillDefaults(twice).ok());
  EXPECT_EQ(process::ToTextProto(once), process::ToTextProto(twice));
}

TEST(FillDefaults, KeepsWhatTheUserSaid) {
  v1::Experiment e = Parse(
      R"(name: "a" task: "half_cheetah" dataset { path: "d.h5" }
         algorithm { name: "h2o" critic_weight: NO_WEIGHT min_q_weight: 0 backup_entropy: true }
         optimizer { batch_size: 128 })");
  ASSERT_TRUE(FillDefaults(e).ok());
  EXPECT_EQ(e.algorithm().critic_weight(), v1::Algorithm::NO_WEIGHT);
  EXPECT_EQ(e.algorithm().min_q_weight(), 0);
  EXPECT_TRUE(e.algorithm().backup_entropy());
  EXPECT_EQ(e.optimizer().discriminator_batch_size(), 128);
}

TEST(FillDefaults, KnowsEveryAlgorithmItNames) {
  for (const std::string& name : AlgorithmNames()) {
    v1::Experiment e = Parse(kH2o);
    e.mutable_algorithm()->set_name(name);
    EXPECT_TRUE(FillDefaults(e).ok()) << name;
    EXPECT_NE(e.algorithm().data(), v1::Algorithm::DATA_UNSPECIFIED) << name;
  }
}

TEST(FillDefaults, CqlHasItsOwnWeightAndNoSimulation) {
  v1::Experiment e = Parse(kH2o);
  e.mutable_algorithm()->set_name("cql");
  ASSERT_TRUE(FillDefaults(e).ok());
  EXPECT_EQ(e.algorithm().min_q_weight(), 2);
  EXPECT_FALSE(UsesSimulation(e));
  EXPECT_TRUE(UsesRealData(e));
}

TEST(FillDefaults, RefusesAnUnknownAlgorithmAndListsTheKnown) {
  v1::Experiment e = Parse(kH2o);
  e.mutable_algorithm()->set_name("h20");
  const std::string message(FillDefaults(e).message());
  EXPECT_THAT(message, HasSubstr("'h20'"));
  EXPECT_THAT(message, HasSubstr("h2o_reg_dr"));
}

TEST(FillDefaults, NamesTheFieldAndItsValueAndItsRange) {
  EXPECT_THAT(Refusal("optimizer { discount: 1.5 }"),
              HasSubstr("optimizer.discount is 1.5; it must be in [0, 1]"));
  EXPECT_THAT(Refusal("optimizer { learning_rate: nan }"),
              HasSubstr("optimizer.learning_rate is nan"));
  EXPECT_THAT(Refusal("optimizer { batch_size: 255 }"), HasSubstr("batch_size 255 is 127.5 rows"));
  EXPECT_THAT(Refusal("optimizer { real_fraction: 0 }"), HasSubstr("optimizer.real_fraction is 0"));
  EXPECT_THAT(Refusal("networks { hidden: 0 }"), HasSubstr("networks.hidden is 0"));
  EXPECT_THAT(Refusal("budget { environment_steps: 10 }"),
              HasSubstr("budget.environment_steps is 10"));
  EXPECT_THAT(Refusal("deterministic: true cluster { actors: 3 }"), HasSubstr("one actor"));
}

TEST(FillDefaults, LetsDGrowOnlyWhereThatMakesSense) {
  v1::Experiment e = Parse(kH2o);
  e.mutable_dataset()->set_extend(true);
  EXPECT_TRUE(FillDefaults(e).ok());
  e = Parse(std::string(kH2o) + "deterministic: true");
  e.mutable_dataset()->set_extend(true);
  EXPECT_THAT(std::string(FillDefaults(e).message()),
              HasSubstr("deterministic: true needs the same D in every run"));
  e = Parse(kH2o);
  e.mutable_dataset()->set_extend(true);
  e.mutable_algorithm()->set_name("sac");
  EXPECT_THAT(std::string(FillDefaults(e).message()),
              HasSubstr("algorithm 'sac' uses no real data"));
}

TEST(FillDefaults, RefusesANameThatIsNoFolder) {
  v1::Experiment e = Parse(kH2o);
  for (const char* name : {"", "a/b", "..", "a b"}) {
    e.set_name(name);
    EXPECT_EQ(FillDefaults(e).code(), absl::StatusCode::kInvalidArgument) << name;
  }
}

TEST(FillDefaults, RefusesRealDataWithoutADataset) {
  v1::Experiment e = Parse(R"(name: "a" task: "t" algorithm { name: "h2o" })");
  EXPECT_THAT(std::string(FillDefaults(e).message()), HasSubstr("dataset { path"));
}

TEST(FillDefaults, RefusesChoicesThatDoNotFitTogether) {
  v1::Experiment e =
      Parse(R"(name: "a" task: "t" algorithm { name: "sac" regularizer: WEIGHTED_LOG_SUM_EXP })");
  EXPECT_THAT(std::string(FillDefaults(e).message()), HasSubstr("WEIGHTED_LOG_SUM_EXP"));
}

TEST(ReadExperiment, MakesTheDatasetsPathRelativeToTheFile) {
  const std::string path = testing::TempDir() + "/experiment_test.textproto";
  std::ofstream(path) << R"(name: "a" dataset { path: "../data/d.h5" })";
  const auto experiment = ReadExperiment(path);
  ASSERT_TRUE(experiment.ok());
  EXPECT_THAT(experiment->dataset().path(), HasSubstr("/data/d.h5"));
  EXPECT_EQ(experiment->dataset().path()[0], '/');
  EXPECT_EQ(experiment->dataset().path().find(".."), std::string::npos);
  std::remove(path.c_str());
}

TEST(ReadExperiment, NamesFileAndLineOfAnUnknownField) {
  const std::string path = testing::TempDir() + "/experiment_test_bad.textproto";
  std::ofstream(path) << "name: \"a\"\nlearning_rat: 3\n";
  const auto experiment = ReadExperiment(path);
  ASSERT_FALSE(experiment.ok());
  EXPECT_THAT(std::string(experiment.status().message()),
              HasSubstr("experiment_test_bad.textproto:2"));
  EXPECT_THAT(std::string(experiment.status().message()), HasSubstr("learning_rat"));
  std::remove(path.c_str());
}

TEST(ReadExperiment, NamesAMissingFile) {
  const auto experiment = ReadExperiment("/nonexistent/x.textproto");
  EXPECT_THAT(std::string(experiment.status().message()), HasSubstr("/nonexistent/x.textproto"));
}

}  // namespace
}  // namespace estuary::experiment
