// The learner as a real process against real shards.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "common/client/learner_subscriber.h"
#include "common/policy/policy.h"
#include "tests/learner/service/learner_cluster.h"

namespace estuary::learner {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(LearnerProcess, TwoDeterministicRunsGiveBitIdenticalPolicies) {
  const std::string first = LearnerCluster(ToyExperiment("h2o", true)).Train();
  const std::string second = LearnerCluster(ToyExperiment("h2o", true)).Train();
  EXPECT_GT(first.size(), 100u);
  EXPECT_EQ(first, second);
  v1::Experiment other = ToyExperiment("h2o", true);
  other.set_seed(2);
  EXPECT_NE(LearnerCluster(other).Train(), first);
}

TEST(LearnerProcess, TrainsAtThePaceAndLeavesItsResults) {
  v1::Experiment experiment = ToyExperiment("h2o", false);
  experiment.mutable_budget()->set_gradient_steps(2000);
  experiment.mutable_budget()->set_environment_steps(1000);
  LearnerCluster cluster(experiment);
  const std::string policy = cluster.Train();
  v1::PolicyVersion version;
  ASSERT_TRUE(version.ParseFromString(policy));
  EXPECT_TRUE(policy::Policy::FromProto(version).ok());
  EXPECT_EQ(version.gradient_steps(), 2000u);
  EXPECT_EQ(version.run_id(), "run");
  const std::vector<std::string> lines = cluster.Lines("metrics.jsonl");
  ASSERT_EQ(lines.size(), 4u);
  for (size_t i = 0; i < lines.size(); ++i) {
    const auto line = nlohmann::json::parse(lines[i]);
    EXPECT_EQ(line["gradient_steps"], 500 * (i + 1));
    // Never ahead of the rows.
    EXPECT_GE(2 * line["environment_steps"].get<double>(), line["gradient_steps"].get<double>());
    EXPECT_TRUE(line.contains("loss/q1_td")) << lines[i];
    EXPECT_TRUE(line["seconds"].is_number());
  }
  EXPECT_TRUE(fs::exists(cluster.RunPath() + "/checkpoints/step-2000"));
  EXPECT_TRUE(fs::exists(cluster.RunPath() + "/checkpoints/step-1950"));
  EXPECT_FALSE(fs::exists(cluster.RunPath() + "/checkpoints/step-1900"));
}

TEST(LearnerProcess, EveryAlgorithmRuns) {
  for (const char* name : {"sac", "cql", "darc", "darc_plus", "h2o_v", "h2o_a_dr", "h2o_reg",
                           "h2o_plus", "h2o_reverse_kl"}) {
    SCOPED_TRACE(name);
    LearnerCluster cluster(ToyExperiment(name, false));
    EXPECT_FALSE(cluster.Train().empty());
  }
}

TEST(LearnerProcess, WaitsForTheEvaluatorAndWritesItsReports) {
  LearnerCluster cluster(ToyExperiment("h2o", false));
  cluster.StartShards();
  cluster.ImportReal(64);
  cluster.StartLearner();
  client::LearnerSubscriber evaluator(
      {.address = cluster.LearnerAddress(), .subscriber = "evaluator", .evaluations = true});
  for (int i = 0; i < 600 && evaluator.away() > absl::ZeroDuration(); ++i) {
    absl::SleepFor(absl::Milliseconds(100));
  }
  cluster.StartActor();
  client::LearnerClient client(cluster.LearnerAddress());
  std::vector<uint64_t> steps;
  while (const auto update = evaluator.Next(kLong)) {
    if (update->final()) break;
    steps.push_back(update->policy().gradient_steps());
    for (const char* dynamics : {"real", "sim"}) {
      v1::ReportEvaluationRequest report;
      report.set_policy_version(update->policy().version());
      report.set_dynamics(dynamics);
      v1::Episode* episode = report.add_episodes();
      // The later version is the worse.
      episode->set_episode_return(10 - steps.size());
      episode->set_steps(10);
      ASSERT_TRUE(client.ReportEvaluation(report, kLong).ok());
    }
  }
  EXPECT_TRUE(evaluator.finished());
  EXPECT_EQ(steps, (std::vector<uint64_t>{100, 200}));
  EXPECT_EQ(cluster.learner().Wait(kLong), 0) << cluster.learner().Output();
  EXPECT_EQ(cluster.Lines("evaluations.jsonl").size(), 4u);
  const auto line = nlohmann::json::parse(cluster.Lines("evaluations.jsonl").back());
  EXPECT_EQ(line["gradient_steps"], 200);
  EXPECT_EQ(line["returns"], nlohmann::json::parse("[8.0]"));
  const auto best = policy::ReadPolicyFile(cluster.RunPath() + "/best_policy.pb");
  ASSERT_TRUE(best.ok()) << best.status();
  EXPECT_EQ(best->gradient_steps(), 100u);
  const auto last = policy::ReadPolicyFile(cluster.RunPath() + "/final_policy.pb");
  ASSERT_TRUE(last.ok()) << last.status();
  EXPECT_EQ(last->gradient_steps(), 200u);
  const auto record =
      nlohmann::json::parse(*process::ReadFile(cluster.RunPath() + "/best_policy.json"));
  EXPECT_EQ(record["real_return"], 9);
  EXPECT_EQ(record["policy_version"], best->version());
  EXPECT_TRUE(fs::exists(cluster.RunPath() + "/checkpoints/best/engine.bin"));
  EXPECT_THAT(cluster.learner().Output(), HasSubstr("the best evaluated version is"));
}

TEST(LearnerProcess, AResumedLearnerStillWaitsForTheEvaluationsThatWereUnderWay) {
  LearnerCluster cluster(ToyExperiment("h2o", false));
  cluster.StartShards();
  cluster.ImportReal(64);
  cluster.StartLearner();
  auto evaluator = std::make_unique<client::LearnerSubscriber>(client::LearnerSubscriber::Options{
      .address = cluster.LearnerAddress(), .subscriber = "evaluator", .evaluations = true});
  for (int i = 0; i < 600 && evaluator->away() > absl::ZeroDuration(); ++i) {
    absl::SleepFor(absl::Milliseconds(100));
  }
  cluster.StartActor();
  ASSERT_TRUE(cluster.Await([](const v1::LearnerStatus& status) {
    return status.phase() == v1::LEARNER_PHASE_FINISHING;
  }));
  cluster.learner().Signal(SIGKILL);
  cluster.learner().Wait(kLong);
  evaluator = nullptr;
  cluster.StartLearner({"--resume"});
  ASSERT_TRUE(cluster.Await([](const v1::LearnerStatus& status) {
    return status.phase() == v1::LEARNER_PHASE_FINISHING;
  }));
  evaluator = std::make_unique<client::LearnerSubscriber>(client::LearnerSubscriber::Options{
      .address = cluster.LearnerAddress(), .subscriber = "evaluator", .evaluations = true});
  // Both versions come again: neither was reported.
  for (const uint64_t steps : {100, 200}) {
    const auto update = evaluator->Next(kLong);
    ASSERT_NE(update, nullptr);
    EXPECT_EQ(update->policy().gradient_steps(), steps);
    for (const char* dynamics : {"real", "sim"}) {
      v1::ReportEvaluationRequest report;
      report.set_policy_version(update->policy().version());
      report.set_dynamics(dynamics);
      report.add_episodes()->set_steps(10);
      ASSERT_TRUE(
          client::LearnerClient(cluster.LearnerAddress()).ReportEvaluation(report, kLong).ok());
    }
  }
  EXPECT_EQ(cluster.learner().Wait(kLong), 0) << cluster.learner().Output();
  EXPECT_EQ(cluster.Lines("evaluations.jsonl").size(), 4u);
}

TEST(LearnerProcess, GoesOnWhileAShardRestarts) {
  v1::Experiment experiment = ToyExperiment("h2o", false);
  experiment.mutable_budget()->set_gradient_steps(4000);
  experiment.mutable_budget()->set_environment_steps(2000);
  experiment.mutable_budget()->set_checkpoint_every(1000);
  LearnerCluster cluster(experiment);
  cluster.StartShards();
  cluster.ImportReal(64);
  cluster.StartLearner();
  cluster.StartActor();
  cluster.actor().PauseAt(500);
  ASSERT_TRUE(cluster.AwaitSteps(900));
  for (size_t i : {0, 1}) {
    cluster.StopShard(i);
    cluster.StartShard(i);
  }
  cluster.actor().GoOn();
  EXPECT_EQ(cluster.learner().Wait(kLong), 0) << cluster.learner().Output();
}

TEST(LearnerProcess, ServesTheExperimentWhileItWaitsForData) {
  LearnerCluster cluster(ToyExperiment("h2o", false));
  cluster.StartShards();
  cluster.StartLearner();
  client::LearnerClient client(cluster.LearnerAddress());
  const auto response = client.GetExperiment(kLong);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->run_id(), "run");
  // Effective: defaults are filled in.
  EXPECT_EQ(response->experiment().optimizer().discount(), 0.99);
  cluster.learner().Signal(SIGTERM);
  EXPECT_EQ(cluster.learner().Wait(kLong), 0) << cluster.learner().Output();
}

// What a learner says that cannot work; it must end by itself with this code.
std::string Complaint(LearnerCluster& cluster, int code,
                      const std::vector<std::string>& more = {}) {
  cluster.StartLearner(more);
  EXPECT_EQ(cluster.learner().Wait(kLong), code) << cluster.learner().Output();
  const std::string output = cluster.learner().Output();
  EXPECT_THAT(output, HasSubstr("estuary-learner: error: "));
  return output;
}

TEST(LearnerProcess, StopsAtALossThatExplodesAndNamesTheLastGoodCheckpoint) {
  v1::Experiment experiment = ToyExperiment("cql", true);
  LearnerCluster cluster(experiment);
  cluster.StartShards();
  cluster.ImportReal(64, /*reward_scale=*/1e30);
  const std::string output = Complaint(cluster, 1);
  EXPECT_THAT(output, HasSubstr("step 1"));
  EXPECT_THAT(output, HasSubstr("last good checkpoint is '"));
  EXPECT_THAT(output, HasSubstr("checkpoints/step-0'"));
  EXPECT_FALSE(fs::exists(cluster.RunPath() + "/final_policy.pb"));
}

TEST(LearnerProcess, RefusesShardsWithAnotherSchemaAndPrintsBoth) {
  LearnerCluster cluster(ToyExperiment("h2o", false));
  cluster.StartShard(0);
  cluster.StartShard(1, transition::Schema::Standard("toy", 4, 2, 50'000));
  const std::string output = Complaint(cluster, 1);
  EXPECT_THAT(output, HasSubstr("observation float32[3]"));
  EXPECT_THAT(output, HasSubstr("observation float32[4]"));
}

TEST(LearnerProcess, RefusesShardsOfAnotherTask) {
  LearnerCluster cluster(ToyExperiment("h2o", false));
  cluster.StartShards(transition::Schema::Standard("walker2d", 3, 2, 50'000));
  const std::string output = Complaint(cluster, 1);
  EXPECT_THAT(output, HasSubstr("'walker2d'"));
  EXPECT_THAT(output, HasSubstr("the experiment's task is 'toy'"));
}

TEST(LearnerProcess, NamesAShardThatDoesNotAnswer) {
  LearnerCluster cluster(ToyExperiment("h2o", false));
  cluster.StartShard(0);
  const std::string output = Complaint(cluster, 1, {"--replay_timeout=300ms"});
  EXPECT_THAT(output, HasSubstr("the replay shard 1 at " + cluster.addresses()[1]));
  EXPECT_THAT(output, HasSubstr("does not answer"));
}

TEST(LearnerProcess, RefusesADeterministicRunThatDoesNotFitItsDevice) {
  v1::Experiment experiment = ToyExperiment("h2o", true);
  experiment.mutable_replay()->set_device_budget_bytes(64 * 40);
  LearnerCluster cluster(experiment);
  cluster.StartShards();
  EXPECT_THAT(Complaint(cluster, 1), HasSubstr("2560 (real) and 4000 (simulated) bytes"));
}

TEST(LearnerProcess, RefusesARunFolderThatIsTaken) {
  LearnerCluster cluster(ToyExperiment("cql", false));
  const std::string before = cluster.Train();
  EXPECT_THAT(Complaint(cluster, 1), HasSubstr("is not written over; go on with it by --resume"));
  EXPECT_EQ(cluster.FinalPolicy(), before);
}

TEST(LearnerProcess, RefusesExperimentsThatCannotWork) {
  v1::Experiment experiment = ToyExperiment("h2o", false);
  experiment.mutable_algorithm()->set_name("h3o");
  LearnerCluster unknown(experiment);
  EXPECT_THAT(Complaint(unknown, 2), HasSubstr("algorithm.name is 'h3o'"));

  LearnerCluster typo(ToyExperiment("h2o", false));
  std::ofstream(typo.ExperimentPath(), std::ios::app) << "\nlearning_rte: 1\n";
  EXPECT_THAT(Complaint(typo, 2), HasSubstr("learning_rte"));

  LearnerCluster missing(ToyExperiment("h2o", false));
  fs::remove(missing.ExperimentPath());
  EXPECT_THAT(Complaint(missing, 1), HasSubstr(missing.ExperimentPath()));

  experiment = ToyExperiment("h2o", false);
  experiment.mutable_dataset()->clear_transitions();
  experiment.mutable_dataset()->set_path("d.h5");
  LearnerCluster uncounted(experiment);
  uncounted.StartShards();
  EXPECT_THAT(Complaint(uncounted, 2), HasSubstr("dataset.transitions is not set"));

  experiment = ToyExperiment("h2o", false);
  experiment.mutable_networks()->add_observation_scale(1);
  LearnerCluster unfit(experiment);
  unfit.StartShards();
  EXPECT_THAT(Complaint(unfit, 2), HasSubstr("observation_scale has 1 numbers"));
}

TEST(LearnerProcess, RefusesFlagsThatCannotWork) {
  LearnerCluster cluster(ToyExperiment("sac", false));
  cluster.StartShards();
  EXPECT_THAT(Complaint(cluster, 2, {"--replay="}), HasSubstr("--replay"));
  EXPECT_THAT(Complaint(cluster, 1, {"--listen=unix:/nowhere/socket"}),
              HasSubstr("cannot listen at unix:/nowhere/socket"));
  fs::remove_all(cluster.RunPath());
  EXPECT_THAT(Complaint(cluster, 1, {"--listen=" + cluster.addresses()[0]}),
              HasSubstr("cannot listen at " + cluster.addresses()[0]));
  fs::remove_all(cluster.RunPath());
  EXPECT_THAT(Complaint(cluster, 2, {"--metrics=127.0.0.1:1:2"}), HasSubstr("127.0.0.1:1:2"));
  fs::remove_all(cluster.RunPath());
  EXPECT_THAT(Complaint(cluster, 1, {"--resume"}), HasSubstr("there is no run to resume"));
  EXPECT_THAT(Complaint(cluster, 2, {"--run_dir="}), HasSubstr("--run_dir is missing"));
}

TEST(LearnerProcess, ADeterministicRunRefusesRowsThatAreNotItsOwn) {
  LearnerCluster cluster(ToyExperiment("h2o", true));
  cluster.StartShards();
  cluster.ImportReal(65);
  EXPECT_THAT(Complaint(cluster, 1), HasSubstr("holds 65 rows, the experiment's dataset has 64"));
}

}  // namespace
}  // namespace estuary::learner
