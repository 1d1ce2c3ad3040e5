#include "learner/service/learner_process.h"

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "common/experiment/experiment.h"
#include "common/policy/policy.h"
#include "common/process/log.h"
#include "common/process/metrics_server.h"
#include "common/process/process_context.h"
#include "common/process/server.h"
#include "common/process/shutdown.h"
#include "common/process/status.h"
#include "learner/service/learner_service.h"
#include "learner/service/training.h"

namespace estuary::learner {
namespace {

constexpr absl::Duration kEvaluatorPatience = absl::Seconds(120);
constexpr absl::Duration kSubscriberPatience = absl::Seconds(10);
constexpr absl::Duration kWord = absl::Seconds(5);

std::string MakeRunId(const std::string& name) {
  return absl::StrFormat("%s-%08x", name, std::random_device()());
}

absl::StatusOr<std::unique_ptr<RunFolder>> OpenFolder(const LearnerOptions& options) {
  if (options.run_dir.empty()) {
    return absl::InvalidArgumentError("--run_dir is missing: where the run's results go");
  }
  std::optional<v1::Experiment> experiment;
  if (!options.experiment.empty()) {
    ESTUARY_ASSIGN_OR_RETURN(experiment, experiment::ReadExperiment(options.experiment));
    const absl::Status filled = experiment::FillDefaults(*experiment);
    if (!filled.ok()) return process::Annotate(filled, options.experiment);
  }
  if (options.resume) {
    return RunFolder::Resume(options.run_dir, experiment.has_value() ? &*experiment : nullptr,
                             options.run_id);
  }
  if (!experiment.has_value()) {
    return absl::InvalidArgumentError(
        "--experiment is missing: a text-format file, see experiments/");
  }
  return RunFolder::Create(options.run_dir, *experiment,
                           options.run_id.empty() ? MakeRunId(experiment->name()) : options.run_id);
}

// Cuts off what a resumed run will write again: all that is beyond the checkpoint.
absl::Status CutLines(const RunFolder& folder, std::optional<uint64_t> step) {
  const auto keep = [step](const nlohmann::json& line) {
    const auto at = line.find("gradient_steps");
    return step.has_value() && at != line.end() && at->is_number_unsigned() &&
           at->get<uint64_t>() <= *step;
  };
  ESTUARY_RETURN_IF_ERROR(JsonLines::Keep(folder.MetricsPath(), keep));
  return JsonLines::Keep(folder.EvaluationsPath(), keep);
}

// Waits for the reports of the final version, where an evaluator has ever been there to send them.
void AwaitEvaluations(uint64_t version, const Publisher& publisher, const Evaluations& evaluations,
                      StatusBoard& board) {
  board.SetPhase(v1::LEARNER_PHASE_FINISHING,
                 absl::StrCat("waiting for the evaluation of version ", version));
  const absl::Time start = absl::Now();
  absl::Time next_word = start + kWord;
  while (!evaluations.WaitUntilComplete(version, absl::Milliseconds(100))) {
    if (process::ShutdownRequested()) return;
    const absl::Time now = absl::Now();
    if (now - std::max(start, evaluations.last_report()) > kEvaluatorPatience) {
      spdlog::warn("no evaluation came for {}; not waiting for version {}'s any longer",
                   absl::FormatDuration(kEvaluatorPatience), version);
      return;
    }
    if (now >= next_word) {
      spdlog::info("waiting for the evaluator: {} versions are left", publisher.Pending().size());
      next_word = now + kWord;
    }
  }
}

// Writes the final policy and tells everybody.
absl::Status Finish(const RunFolder& folder, Training& training, const BestPolicy& best,
                    Publisher& publisher, const Evaluations& evaluations, StatusBoard& board) {
  const v1::PolicyUpdate& last = *training.published();
  if (evaluations.wanted() && training.evaluated()) {
    AwaitEvaluations(last.policy().version(), publisher, evaluations, board);
  }
  training.SettleBest();
  if (process::ShutdownRequested()) return absl::OkStatus();
  if (best.best().version > 0) {
    spdlog::info(
        "the best evaluated version is {} (step {}): mean return {:.1f} over {} real episodes, by "
        "which it was chosen; it is in {}",
        best.best().version, best.best().gradient_steps, best.best().real_return,
        best.best().episodes, folder.BestPolicyPath());
  }
  ESTUARY_RETURN_IF_ERROR(policy::WritePolicyFile(folder.FinalPolicyPath(), last.policy()));
  spdlog::info("the run is done: {}", folder.FinalPolicyPath());
  board.SetPhase(v1::LEARNER_PHASE_DONE, "");
  auto final_update = std::make_shared<v1::PolicyUpdate>(last);
  final_update->set_final(true);
  publisher.Publish(std::move(final_update), /*evaluate=*/true);
  if (!publisher.WaitUntilAlone(kSubscriberPatience)) {
    spdlog::warn("{} subscribers are still there after {}; leaving", publisher.subscribers(),
                 absl::FormatDuration(kSubscriberPatience));
  }
  return absl::OkStatus();
}

absl::Status TrainAndFinish(Training& training, const BestPolicy& best, const RunFolder& folder,
                            Publisher& publisher, const Evaluations& evaluations,
                            StatusBoard& board) {
  ESTUARY_RETURN_IF_ERROR(training.Prepare());
  ESTUARY_ASSIGN_OR_RETURN(const Outcome outcome, training.Run());
  if (outcome == Outcome::kStopped) {
    spdlog::info("stopped with a checkpoint in '{}'; --resume goes on", folder.CheckpointsPath());
    return absl::OkStatus();
  }
  return Finish(folder, training, best, publisher, evaluations, board);
}

}  // namespace

absl::Status RunLearner(const LearnerOptions& options) {
  ESTUARY_ASSIGN_OR_RETURN(const std::unique_ptr<RunFolder> folder, OpenFolder(options));
  const v1::Experiment& experiment = folder->experiment();
  process::SetRun(folder->run_id());
  process::SetTask(experiment.task());
  CheckpointStore checkpoints(folder->CheckpointsPath(),
                              static_cast<int>(experiment.budget().checkpoints_kept()));
  absl::StatusOr<Checkpoint> checkpoint = checkpoints.ReadNewest();
  if (!checkpoint.ok() && !absl::IsNotFound(checkpoint.status())) return checkpoint.status();
  if (options.resume) {
    if (checkpoint.ok()) {
      ESTUARY_RETURN_IF_ERROR(checkpoints.SetAsideNewerThan(checkpoint->step));
      ESTUARY_RETURN_IF_ERROR(CutLines(*folder, checkpoint->step));
    } else {
      spdlog::info("the run in '{}' has no checkpoint yet; beginning it anew", folder->path());
      ESTUARY_RETURN_IF_ERROR(CutLines(*folder, std::nullopt));
    }
  }
  ESTUARY_ASSIGN_OR_RETURN(const auto metrics_lines, JsonLines::Open(folder->MetricsPath()));
  ESTUARY_ASSIGN_OR_RETURN(const auto evaluation_lines, JsonLines::Open(folder->EvaluationsPath()));

  process::Metrics registry;
  LearnerMetrics metrics(registry);
  StatusBoard board([&metrics](v1::LearnerPhase phase) { metrics.SetPhase(phase); });
  board.Update([&](v1::LearnerStatus& status) { status.set_run_id(folder->run_id()); });
  Publisher publisher;
  Evaluations evaluations(experiment.evaluation(), evaluation_lines.get(), &metrics);
  ESTUARY_RETURN_IF_ERROR(
      JsonLines::Keep(folder->EvaluationsPath(), [&evaluations](const nlohmann::json& line) {
        evaluations.Recall(line);
        return true;
      }));
  BestPolicy best(folder->BestPolicyPath(), folder->BestRecordPath(), &checkpoints);
  ESTUARY_RETURN_IF_ERROR(best.Recall());
  Training training({.folder = folder.get(),
                     .shards = options.shards,
                     .patience = options.patience,
                     .checkpoints = &checkpoints,
                     .best = &best,
                     .metrics_lines = metrics_lines.get(),
                     .publisher = &publisher,
                     .evaluations = &evaluations,
                     .board = &board,
                     .metrics = &metrics});
  if (checkpoint.ok()) ESTUARY_RETURN_IF_ERROR(training.Restore(*checkpoint));

  ESTUARY_ASSIGN_OR_RETURN(const auto metrics_server,
                           process::MetricsServer::Start(options.metrics, registry));
  LearnerService service({.experiment = &experiment,
                          .run_id = folder->run_id(),
                          .publisher = &publisher,
                          .evaluations = &evaluations,
                          .board = &board,
                          .metrics = &metrics});
  ESTUARY_ASSIGN_OR_RETURN(const auto server,
                           process::Server::Start({.addresses = options.listen}, {&service}));
  spdlog::info("run {} in '{}', serving at {}", folder->run_id(), folder->path(),
               absl::StrJoin(server->addresses(), ", "));
  absl::Status status = TrainAndFinish(training, best, *folder, publisher, evaluations, board);
  if (absl::IsCancelled(status) && process::ShutdownRequested()) status = absl::OkStatus();
  if (!status.ok()) {
    board.SetPhase(v1::LEARNER_PHASE_FAILED, std::string(status.message()));
  }
  service.Stop();
  server->Drain(absl::Seconds(2));
  return status;
}

}  // namespace estuary::learner
