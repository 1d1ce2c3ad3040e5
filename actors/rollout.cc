#include "actors/rollout.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "actors/pace.h"
#include "actors/policy_source.h"
#include "actors/rollout_loop.h"
#include "common/client/replay_writer.h"
#include "common/experiment/experiment.h"
#include "common/process/log.h"
#include "common/process/metrics_server.h"
#include "common/process/shutdown.h"
#include "common/process/status.h"

namespace estuary::actor {
namespace {

constexpr absl::Duration kFlushPatience = absl::Seconds(5);
constexpr absl::Duration kStatusPatience = absl::Seconds(5);

class ReplaySink : public RowSink {
 public:
  explicit ReplaySink(client::ReplayWriter& writer) : writer_(writer) {}
  absl::StatusOr<bool> TryAppend(transition::BlockBuilder& rows) override {
    return writer_.TryAppend(rows);
  }

 private:
  client::ReplayWriter& writer_;
};

absl::StatusOr<int> CountEnvironments(const ActorOptions& options,
                                      const v1::Experiment& experiment) {
  const int count = options.environments > 0
                        ? options.environments
                        : static_cast<int>(experiment.cluster().environments_per_actor());
  if (count < 1 || count > 4096) {
    return absl::InvalidArgumentError(
        absl::StrCat(count,
                     " environments; one actor steps 1 to 4096 (--environments, or "
                     "cluster.environments_per_actor of the experiment)"));
  }
  if (experiment.deterministic() && count != 1) {
    return absl::InvalidArgumentError(absl::StrCat(count, " environments, but experiment '",
                                                   experiment.name(),
                                                   "' is deterministic and needs 1"));
  }
  return count;
}

absl::StatusOr<uint64_t> CountRandomSteps(const Identity& identity,
                                          const v1::Experiment& experiment,
                                          client::LearnerClient& learner) {
  if (!identity.replica) return RandomShare(experiment, identity.index);
  if (experiment.deterministic()) {
    return absl::FailedPreconditionError(
        absl::StrCat("experiment '", experiment.name(),
                     "' is deterministic: it has one actor, --index=0, and no --replica"));
  }
  if (experiment.exploration().random_steps() == 0) return 0;
  const absl::StatusOr<v1::LearnerStatus> status = learner.Status(kStatusPatience);
  if (!status.ok()) {
    spdlog::warn("no random steps: how far the run is cannot be asked: {}",
                 std::string(status.status().message()));
    return 0;
  }
  return RandomShareOfReplica(experiment, status->environment_steps());
}

absl::Status Roll(const ActorOptions& options) {
  process::Metrics registry;
  ActorMetrics metrics(registry);
  ESTUARY_ASSIGN_OR_RETURN(const auto metrics_server,
                           process::MetricsServer::Start(options.metrics, registry));
  client::LearnerClient learner(options.learner);
  ESTUARY_ASSIGN_OR_RETURN(const Setup setup, Prepare(learner, options.patience));
  if (!experiment::UsesSimulation(setup.experiment)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "experiment '", setup.experiment.name(), "' uses algorithm ",
        setup.experiment.algorithm().name(),
        ", which learns without a simulator; start this actor with --role=evaluate only"));
  }
  ESTUARY_ASSIGN_OR_RETURN(const int environments, CountEnvironments(options, setup.experiment));
  metrics.SetEnvironments(environments);
  ESTUARY_ASSIGN_OR_RETURN(const uint64_t random_steps,
                           CountRandomSteps(options.identity, setup.experiment, learner));
  ESTUARY_ASSIGN_OR_RETURN(
      auto worlds, MakeWorlds(setup, worlds::Dynamics::kSim, environments, options.identity.index));
  const Pace pace = ChoosePace(setup.experiment, environments);
  const std::string& name = options.identity.name;
  client::ReplayWriterOptions writer_options{.shards = options.replay,
                                             .table = experiment::kSimTable,
                                             .writer_id = absl::StrCat(setup.run_id, "/", name),
                                             .schema = setup.schema,
                                             .shard = std::nullopt,
                                             .replaceable = true,
                                             .first_sequence = std::nullopt};
  writer_options.buffer_rows = pace.buffer_rows;
  ESTUARY_ASSIGN_OR_RETURN(const auto writer,
                           client::ReplayWriter::Start(std::move(writer_options)));
  PolicyInbox inbox;
  PolicySource source({.learner = options.learner,
                       .subscriber = name,
                       .run_id = setup.run_id,
                       .schema = setup.schema,
                       .rows = environments,
                       .lockstep = setup.experiment.deterministic()},
                      inbox, metrics);
  ESTUARY_ASSIGN_OR_RETURN(const uint64_t first, writer->WaitUntilConnected(options.patience));
  spdlog::info("stepping {} worlds of {} from row {} on", environments, setup.task.name, first);

  ReplaySink sink(*writer);
  const auto report_lag = [&] {
    const client::ReplayWriter::Stats stats = writer->stats();
    metrics.SetLag(stats.buffered_rows, stats.lost, source.away());
  };
  RolloutLoop loop({.index = options.identity.index,
                    .seed = setup.experiment.seed(),
                    .first_sequence = first,
                    .random_steps = random_steps,
                    .noise_correlation = setup.experiment.exploration().noise_correlation(),
                    .lockstep = setup.experiment.deterministic(),
                    .block_rows = pace.block_rows,
                    .learner = absl::StrCat("the learner at ", options.learner),
                    .replay = absl::StrCat("the replay at ", absl::StrJoin(options.replay, ",")),
                    .every_second = report_lag},
                   setup.schema, std::move(worlds), inbox, sink, metrics);
  ESTUARY_RETURN_IF_ERROR(loop.Run([] { return process::ShutdownRequested(); }));
  if (loop.final()) {
    spdlog::info("training has ended; {} rows in all", loop.sequence());
    return absl::OkStatus();
  }
  if (absl::Status flushed = writer->Flush(kFlushPatience); !flushed.ok()) {
    spdlog::warn("ended before the replay had everything: {}", std::string(flushed.message()));
  }
  spdlog::info("asked to stop after {} rows", loop.sequence());
  return absl::OkStatus();
}

}  // namespace

absl::Status RunRollout(const ActorOptions& options) { return StoppedIsFine(Roll(options)); }

}  // namespace estuary::actor
