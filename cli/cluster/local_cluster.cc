#include "cli/cluster/local_cluster.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/data/schemas.h"
#include "common/experiment/experiment.h"
#include "common/experiment/pace.h"
#include "common/process/files.h"
#include "common/process/status.h"
#include "common/process/textproto.h"

namespace estuary::cli {
namespace {

// Stages of the end: those who write go first, then the learner, then who holds what they wrote.
enum Stage { kShards = 0, kLearner = 1, kWorkers = 2 };

class Planner {
 public:
  Planner(const ClusterOptions& options, const ScratchFolder& scratch)
      : options_(options), scratch_(scratch) {}

  absl::StatusOr<ClusterPlan> Plan() {
    const v1::Cluster& cluster = options_.experiment.cluster();
    for (uint32_t i = 0; i < cluster.shards(); ++i) {
      plan_.shards.push_back(scratch_.Address(absl::StrCat("replay-", i)));
    }
    plan_.learner = scratch_.Address("learner");
    replay_flag_ = absl::StrCat("--replay=", absl::StrJoin(plan_.shards, ","));
    learner_flag_ = absl::StrCat("--learner=", plan_.learner);
    ESTUARY_RETURN_IF_ERROR(AddShards());
    ESTUARY_RETURN_IF_ERROR(AddLearner());
    if (experiment::UsesSimulation(options_.experiment)) {
      for (uint32_t i = 0; i < cluster.actors(); ++i) ESTUARY_RETURN_IF_ERROR(AddActor(i));
    }
    const v1::Evaluation& evaluation = options_.experiment.evaluation();
    if (evaluation.episodes() + evaluation.sim_episodes() > 0) {
      ESTUARY_RETURN_IF_ERROR(
          Add("evaluator", "estuary-actor", {"--role=evaluate", learner_flag_}, kWorkers));
    }
    return std::move(plan_);
  }

 private:
  absl::Status AddShards() {
    const std::string config = scratch_.File("tables.textproto");
    ESTUARY_RETURN_IF_ERROR(process::WriteFileAtomically(
        config, process::ToTextProto(TablesOf(options_.experiment,
                                              RealSchema(options_.task, options_.experiment),
                                              SimSchema(options_.task, options_.experiment)))));
    for (size_t i = 0; i < plan_.shards.size(); ++i) {
      const std::string name = absl::StrCat("replay-", i);
      const std::string data = absl::StrCat(options_.run_dir, "/replay/", name);
      ESTUARY_RETURN_IF_ERROR(process::CreateDirectories(data));
      ESTUARY_RETURN_IF_ERROR(
          Add(name, "estuary-replay",
              {absl::StrCat("--listen=", plan_.shards[i]), absl::StrCat("--table_config=", config),
               absl::StrCat("--data_dir=", data), absl::StrCat("--run=", options_.run_id)},
              kShards));
    }
    return absl::OkStatus();
  }

  absl::Status AddLearner() {
    const std::string config = scratch_.File("experiment.textproto");
    ESTUARY_RETURN_IF_ERROR(
        process::WriteFileAtomically(config, process::ToTextProto(options_.experiment)));
    ESTUARY_RETURN_IF_ERROR(
        Add("learner", "estuary-learner",
            {absl::StrCat("--listen=", plan_.learner), replay_flag_,
             absl::StrCat("--experiment=", config), absl::StrCat("--run_dir=", options_.run_dir),
             absl::StrCat("--run_id=", options_.run_id)},
            kLearner));
    ChildSpec& learner = plan_.children.back();
    learner.proof = options_.run_dir + "/final_policy.pb";
    // Killed before its run had begun, it begins again; later it goes on.
    learner.restart_argv = [first = learner.argv, run = options_.run_dir + "/run_id"] {
      std::vector<std::string> argv = first;
      std::error_code error;
      if (std::filesystem::exists(run, error)) argv.push_back("--resume");
      return argv;
    };
    if (options_.resume) learner.argv = learner.restart_argv();
    return absl::OkStatus();
  }

  absl::Status AddActor(uint32_t index) {
    return Add(absl::StrCat("actor-", index), "estuary-actor",
               {"--role=rollout", absl::StrCat("--index=", index), learner_flag_, replay_flag_},
               kWorkers);
  }

  absl::Status Add(const std::string& name, const std::string& binary,
                   const std::vector<std::string>& flags, Stage stage) {
    ESTUARY_ASSIGN_OR_RETURN(
        const std::string metrics,
        NthMetricsAddress(options_.metrics, static_cast<int>(plan_.children.size())));
    ChildSpec spec{.name = name,
                   .argv = {SiblingBinary(binary)},
                   .restart_argv = nullptr,
                   .log_path = absl::StrCat(options_.run_dir, "/logs/", name, ".log"),
                   .may_finish = stage != kShards,
                   .stage = stage};
    spec.argv.insert(spec.argv.end(), flags.begin(), flags.end());
    if (!metrics.empty()) spec.argv.push_back(absl::StrCat("--metrics=", metrics));
    plan_.children.push_back(std::move(spec));
    return absl::OkStatus();
  }

  const ClusterOptions& options_;
  const ScratchFolder& scratch_;
  ClusterPlan plan_;
  std::string replay_flag_;
  std::string learner_flag_;
};

}  // namespace

absl::StatusOr<ClusterPlan> PlanCluster(const ClusterOptions& options,
                                        const ScratchFolder& scratch) {
  return Planner(options, scratch).Plan();
}

v1::TableConfigs TablesOf(const v1::Experiment& experiment, const transition::Schema& real_schema,
                          const transition::Schema& sim_schema) {
  v1::TableConfigs configs;
  // Writers may all be on one shard, so each can hold the whole of either table.
  v1::TableConfig& real = *configs.add_tables();
  real.set_name(experiment::kRealTable);
  *real.mutable_schema() = real_schema.proto();
  real.set_capacity(
      std::max(experiment.replay().real_capacity(), experiment.dataset().transitions()));
  real.set_remover(v1::REMOVER_NONE);
  real.set_durability(v1::DURABILITY_DISK);
  v1::TableConfig& sim = *configs.add_tables();
  sim.set_name(experiment::kSimTable);
  *sim.mutable_schema() = sim_schema.proto();
  sim.set_capacity(experiment.replay().sim_capacity());
  sim.set_remover(v1::REMOVER_FIFO);
  sim.set_durability(v1::DURABILITY_MEMORY);
  if (experiment::UsesSimulation(experiment) && !experiment.deterministic()) {
    *sim.mutable_limiter() =
        experiment::SimLimiter(experiment, static_cast<int>(experiment.cluster().shards()));
  }
  return configs;
}

absl::StatusOr<std::string> NthMetricsAddress(const std::string& first, int i) {
  if (first.empty()) return first;
  const size_t colon = first.rfind(':');
  int port = 0;
  if (colon == std::string::npos || colon == 0 ||
      !absl::SimpleAtoi(first.substr(colon + 1), &port) || port < 1 || port + i > 65535) {
    return absl::InvalidArgumentError(
        absl::StrCat("--metrics is '", first,
                     "'; it must be HOST:PORT, 127.0.0.1:9100, with room for a port "
                     "each process"));
  }
  return absl::StrCat(first.substr(0, colon + 1), port + i);
}

}  // namespace estuary::cli
