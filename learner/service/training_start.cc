// How training begins: from nothing or from a checkpoint, with data, engine and, where the
// algorithm reads one, a model of the dynamics.
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/process/log.h"
#include "common/process/shutdown.h"
#include "common/process/status.h"
#include "learner/core/dynamics_model.h"
#include "learner/core/engine_state.h"
#include "learner/service/checkpoint_files.h"
#include "learner/service/config_from_experiment.h"
#include "learner/service/training.h"

namespace estuary::learner {
namespace {

constexpr absl::Duration kWord = absl::Seconds(5);

absl::StatusOr<Publisher::Update> ParseUpdate(const std::string& name, const std::string& bytes) {
  auto update = std::make_shared<v1::PolicyUpdate>();
  if (!update->ParseFromString(bytes)) {
    return absl::DataLossError(absl::StrCat("the checkpoint's ", name, " is no policy update"));
  }
  return Publisher::Update(std::move(update));
}

// A file of a checkpoint that is whole but does not hold what this build reads.
absl::Status Unknown(const absl::Status& status, const std::string& file) {
  return absl::DataLossError(absl::StrCat(
      file, ": ", status.message(),
      "; another build of estuary-learner wrote it: go on with that one, or rename the "
      "checkpoint's folder, and --resume goes on from the checkpoint before it"));
}

}  // namespace

std::string Training::FileOf(uint64_t step, const char* name) const {
  return absl::StrCat("'", parts_.checkpoints->PathOf(step), "/", name, "'");
}

absl::Status Training::Restore(const Checkpoint& checkpoint) {
  for (const char* needed : {kEngineFile, kStateFile, kPolicyFile}) {
    if (checkpoint.files.count(needed) == 0) {
      return absl::DataLossError(
          absl::StrCat("the checkpoint of step ", checkpoint.step, " has no file ", needed));
    }
  }
  absl::StatusOr<RunState> state = RunState::FromJson(checkpoint.files.at(kStateFile));
  if (!state.ok()) return Unknown(state.status(), FileOf(checkpoint.step, kStateFile));
  state_ = *std::move(state);
  engine_state_ = checkpoint.files.at(kEngineFile);
  ESTUARY_ASSIGN_OR_RETURN(published_, ParseUpdate(kPolicyFile, checkpoint.files.at(kPolicyFile)));
  std::map<uint64_t, Publisher::Update> pending;
  for (const auto& [name, bytes] : checkpoint.files) {
    if (!absl::StartsWith(name, kPendingPrefix)) continue;
    ESTUARY_ASSIGN_OR_RETURN(const Publisher::Update update, ParseUpdate(name, bytes));
    pending[update->policy().version()] = update;
  }
  for (const auto& [version, update] : pending) {
    parts_.evaluations->Expect(version, update->policy().gradient_steps(),
                               update->policy().environment_steps());
    if (!parts_.evaluations->Complete(version)) parts_.publisher->Publish(update, true);
  }
  parts_.publisher->Publish(published_, /*evaluate=*/false);
  parts_.metrics->SetPolicy(state_.policy_version);
  resumed_ = true;
  seconds_before_ = state_.seconds;
  spdlog::info("going on from the checkpoint of step {}", checkpoint.step);
  return absl::OkStatus();
}

absl::Status Training::Prepare() {
  parts_.board->Update([this](v1::LearnerStatus& status) {
    status.set_gradient_steps_total(pace_.gradient_steps);
    status.set_environment_steps_total(pace_.environment_steps);
    status.set_gradient_steps(state_.gradient_steps);
    status.set_environment_steps(state_.environment_steps);
    status.set_phase(v1::LEARNER_PHASE_WAITING_FOR_REAL_DATA);
    status.set_detail("looking at the replay shards");
  });
  TrainingData::Options options;
  options.experiment = &experiment_;
  options.shards = parts_.shards;
  options.patience = parts_.patience;
  options.say = [this](const std::string& line) {
    spdlog::info("{}", line);
    parts_.board->SetPhase(v1::LEARNER_PHASE_WAITING_FOR_REAL_DATA, line);
  };
  options.check = [this](int observation_dim, int action_dim) {
    return ConfigFromExperiment(experiment_, observation_dim, action_dim).status();
  };
  ESTUARY_ASSIGN_OR_RETURN(data_, TrainingData::Open(options, resumed_ ? &state_ : nullptr));

  EngineOptions engine;
  ESTUARY_ASSIGN_OR_RETURN(
      engine.config,
      ConfigFromExperiment(experiment_, data_->observation_dim(), data_->action_dim()));
  engine.device = DeviceFromExperiment(experiment_);
  engine.seed = experiment_.seed();
  engine.threads = static_cast<int>(experiment_.cluster().learner_threads());
  engine.real = data_->real();
  engine.sim = data_->sim();
  ESTUARY_ASSIGN_OR_RETURN(engine_, MakeEngine(EngineFromExperiment(experiment_), engine));
  if (resumed_) {
    ESTUARY_RETURN_IF_ERROR(LoadEngine());
  } else if (engine.config.algorithm.NeedsDynamicsModel()) {
    ESTUARY_RETURN_IF_ERROR(LearnDynamics(engine.config));
  }
  spdlog::info("learning {} with the {} engine on {}", experiment_.algorithm().name(),
               engine_->name(), engine.device == Device::kCuda ? "a GPU" : "the CPU");
  return Begin();
}

absl::Status Training::LoadEngine() {
  if (pace_.lockstep) {
    // Another engine would go on with random numbers of its own.
    ESTUARY_ASSIGN_OR_RETURN(const EngineState state, ParseEngineState(engine_state_));
    if (state.engine != engine_->name()) {
      return absl::FailedPreconditionError(
          absl::StrCat("the checkpoint is the ", state.engine, " engine's, this learner runs the ",
                       engine_->name(),
                       " engine; a deterministic run goes on only with the engine "
                       "it began with: set cluster.engine"));
    }
  }
  const absl::Status loaded = engine_->Load(engine_state_);
  const std::string file = FileOf(state_.gradient_steps, kEngineFile);
  if (absl::IsNotFound(loaded)) return Unknown(loaded, file);
  if (!loaded.ok()) return process::Annotate(loaded, file);
  engine_state_.clear();
  return absl::OkStatus();
}

absl::Status Training::LearnDynamics(const LearnerConfig& config) {
  const uint64_t steps = config.algorithm.dynamics_model.steps;
  spdlog::info("learning a model of the real dynamics from {} transitions, {} steps",
               data_->real()->size(), steps);
  absl::Time next_word = absl::Now() + kWord;
  const auto progress = [&](uint64_t done) {
    if (absl::Now() >= next_word) {
      next_word = absl::Now() + kWord;
      const std::string line =
          absl::StrCat("learning the model of the real dynamics: step ", done, " of ", steps);
      spdlog::info("{}", line);
      parts_.board->SetPhase(v1::LEARNER_PHASE_WAITING_FOR_REAL_DATA, line);
    }
    return !process::ShutdownRequested();
  };
  ESTUARY_ASSIGN_OR_RETURN(
      const DynamicsModel model,
      LearnDynamicsModel(config, *data_->real(), experiment_.seed(), progress));
  spdlog::info(
      "the model of the real dynamics errs by {:.3f} standard deviations of a transition's "
      "change (on rows held out)",
      model.error);
  state_.start_metrics = {{"dynamics_model/loss", model.loss},
                          {"dynamics_model/error", model.error}};
  return SetDynamicsModel(*engine_, model);
}

absl::Status Training::Begin() {
  if (data_->sim_feed() != nullptr) {
    ESTUARY_RETURN_IF_ERROR(data_->sim_feed()->Follow(data_->sampled()));
    const double unreported =
        data_->UnreportedSamples(sim_rows_per_step_ * static_cast<double>(state_.gradient_steps));
    if (unreported > 0) data_->sim_feed()->ReportSamples(unreported);
  }
  if (Extends()) {
    ESTUARY_RETURN_IF_ERROR(data_->real_feed()->Follow());
    parts_.metrics->ExpectRealRows();
  }
  started_ = shown_ = absl::Now();
  shown_steps_ = state_.gradient_steps;
  shown_rows_ = state_.environment_steps;
  if (!resumed_) {
    // The first checkpoint holds where this run's rows begin in the logs, so it must be there
    // before an actor can have added one.
    ESTUARY_RETURN_IF_ERROR(Publish());
  }
  ShowProgress(/*at_once=*/true);
  return absl::OkStatus();
}

}  // namespace estuary::learner
