// Everything around a learner under test: replay shards in this process, a fake actor, an
// evaluator's calls, and the learner itself as a real process.
#pragma once

#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "common/client/learner_client.h"
#include "common/client/replay_writer.h"
#include "common/experiment/experiment.h"
#include "common/experiment/pace.h"
#include "common/process/files.h"
#include "common/process/textproto.h"
#include "gtest/gtest.h"
#include "replay_server/replay_server.h"
#include "tests/actors/child_process.h"
#include "tests/learner/service/fake_actor.h"
#include "tests/learner/service/scratch_folder.h"

namespace estuary::learner {

using actor::testing::ChildProcess;

constexpr absl::Duration kLong = absl::Seconds(60);

// Small enough that a run takes a second: 10 epochs of 10 rows and 20 steps.
inline v1::Experiment ToyExperiment(const std::string& algorithm, bool deterministic) {
  v1::Experiment e;
  e.set_name("toy");
  e.set_task("toy");
  e.mutable_algorithm()->set_name(algorithm);
  e.mutable_algorithm()->set_dynamics_model_steps(50);
  e.mutable_dataset()->set_transitions(64);
  e.mutable_networks()->add_hidden(8);
  e.mutable_networks()->add_discriminator_hidden(8);
  e.mutable_optimizer()->set_batch_size(16);
  e.mutable_budget()->set_environment_steps(100);
  e.mutable_budget()->set_environment_steps_per_epoch(10);
  e.mutable_budget()->set_gradient_steps(200);
  e.mutable_budget()->set_gradient_steps_per_epoch(20);
  e.mutable_budget()->set_checkpoint_every(50);
  e.mutable_evaluation()->set_every_epochs(5);
  e.mutable_cluster()->set_device(v1::Cluster::CPU);
  e.set_deterministic(deterministic);
  return e;
}

class LearnerCluster {
 public:
  explicit LearnerCluster(const v1::Experiment& experiment, int shards = 2)
      : experiment_(experiment) {
    for (int i = 0; i < shards; ++i) {
      addresses_.push_back(absl::StrCat("unix:", scratch_ / absl::StrCat("replay-", i)));
    }
    std::ofstream(ExperimentPath()) << process::ToTextProto(experiment);
  }

  std::string ExperimentPath() const { return scratch_ / "toy.textproto"; }
  std::string RunPath() const { return scratch_ / "run"; }
  std::string LearnerAddress() const { return absl::StrCat("unix:", scratch_ / "learner"); }
  const std::vector<std::string>& addresses() const { return addresses_; }

  void StartShards(const transition::Schema& schema = ToySchema()) {
    for (size_t i = 0; i < addresses_.size(); ++i) StartShard(i, schema);
  }

  void StartShard(size_t i, const transition::Schema& schema = ToySchema()) {
    replay::ReplayServer::Options options;
    options.shard.data_dir = scratch_ / absl::StrCat("data-", i);
    options.server.addresses = {addresses_[i]};
    v1::TableConfig& real = *options.shard.tables.add_tables();
    real.set_name("real");
    *real.mutable_schema() = schema.proto();
    real.set_capacity(10'000);
    real.set_remover(v1::REMOVER_NONE);
    real.set_durability(v1::DURABILITY_DISK);
    v1::TableConfig& sim = *options.shard.tables.add_tables();
    sim.set_name("sim");
    *sim.mutable_schema() = schema.proto();
    sim.set_capacity(10'000);
    sim.set_remover(v1::REMOVER_FIFO);
    sim.set_durability(v1::DURABILITY_MEMORY);
    v1::Experiment effective = experiment_;
    ASSERT_TRUE(experiment::FillDefaults(effective).ok());
    if (!effective.deterministic() && experiment::UsesSimulation(effective)) {
      *sim.mutable_limiter() =
          experiment::SimLimiter(effective, static_cast<int>(addresses_.size()));
    }
    auto server = replay::ReplayServer::Start(options);
    ASSERT_TRUE(server.ok()) << server.status();
    servers_.resize(addresses_.size());
    servers_[i] = *std::move(server);
  }
  void StopShard(size_t i) { servers_[i] = nullptr; }

  // The dataset: row i to shard i mod S.
  void ImportReal(uint64_t rows, double reward_scale = 1) {
    AddReal("dataset", rows, reward_scale, v1::TRANSITION_SOURCE_DATASET);
  }
  // What a robot sends.
  void RecordReal(uint64_t rows) { AddReal("robot", rows, 1, v1::TRANSITION_SOURCE_POLICY); }

  void AddReal(const std::string& writer_name, uint64_t rows, double reward_scale,
               v1::TransitionSource source) {
    for (size_t shard = 0; shard < addresses_.size(); ++shard) {
      transition::BlockBuilder block{ToySchema()};
      for (uint64_t i = shard; i < rows; i += addresses_.size()) {
        const auto x = static_cast<float>(i);
        const float action[2] = {std::sin(2.3f * x), std::cos(3.1f * x)};
        AddToyRow(i, action, reward_scale, source, 0, block);
      }
      auto writer = client::ReplayWriter::Start({.shards = addresses_,
                                                 .table = "real",
                                                 .writer_id = absl::StrCat(writer_name, "/", shard),
                                                 .schema = ToySchema(),
                                                 .shard = static_cast<int>(shard),
                                                 .bulk = source == v1::TRANSITION_SOURCE_DATASET});
      ASSERT_TRUE(writer.ok()) << writer.status();
      ASSERT_TRUE((*writer)->Append(block).ok());
      ASSERT_TRUE((*writer)->Flush(kLong).ok());
    }
  }

  void StartLearner(const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {std::string(ESTUARY_BIN_DIR) + "/estuary-learner",
                                          "--experiment=" + ExperimentPath(),
                                          "--run_dir=" + RunPath(),
                                          "--run_id=run",
                                          "--listen=" + LearnerAddress(),
                                          "--replay=" + absl::StrJoin(addresses_, ",")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    learner_ = std::make_unique<ChildProcess>(
        arguments, scratch_ / absl::StrCat("learner-", ++starts_, ".log"));
  }
  ChildProcess& learner() { return *learner_; }

  void StartActor() { actor_ = std::make_unique<FakeActor>(LearnerAddress(), addresses_); }
  void StopActor() { actor_ = nullptr; }
  FakeActor& actor() { return *actor_; }

  // Waits until the learner says that it has done so many steps.
  bool AwaitSteps(uint64_t steps) {
    return Await([&](const v1::LearnerStatus& status) { return status.gradient_steps() >= steps; });
  }
  bool Await(const std::function<bool(const v1::LearnerStatus&)>& condition) {
    client::LearnerClient client(LearnerAddress());
    const absl::Time end = absl::Now() + kLong;
    while (absl::Now() < end && !learner().Wait(absl::ZeroDuration()).has_value()) {
      const auto status = client.Status(absl::Seconds(1));
      if (status.ok() && condition(*status)) return true;
      absl::SleepFor(absl::Milliseconds(10));
    }
    return false;
  }

  // A whole run, from nothing to the final policy's bytes.
  std::string Train() {
    StartShards();
    if (experiment_.algorithm().name() != "sac") ImportReal(64);
    StartLearner();
    StartActor();
    EXPECT_EQ(learner().Wait(kLong), 0) << learner().Output();
    return FinalPolicy();
  }
  std::string FinalPolicy() const {
    const auto bytes = process::ReadFile(RunPath() + "/final_policy.pb");
    EXPECT_TRUE(bytes.ok()) << bytes.status();
    return bytes.value_or("");
  }
  std::vector<std::string> Lines(const std::string& file) const {
    const auto text = process::ReadFile(RunPath() + "/" + file);
    EXPECT_TRUE(text.ok()) << text.status();
    return absl::StrSplit(text.value_or(""), '\n', absl::SkipEmpty());
  }

 private:
  const v1::Experiment experiment_;
  const ScratchFolder scratch_;
  std::vector<std::string> addresses_;
  int starts_ = 0;
  // Destroyed first to last from below: the actor, the learner, the shards.
  std::vector<std::unique_ptr<replay::ReplayServer>> servers_;
  std::unique_ptr<ChildProcess> learner_;
  std::unique_ptr<FakeActor> actor_;
};

}  // namespace estuary::learner
