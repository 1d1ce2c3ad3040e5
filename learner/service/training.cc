#include "learner/service/training.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/experiment/pace.h"
#include "common/process/log.h"
#include "common/process/shutdown.h"
#include "common/process/status.h"
#include "learner/core/dynamics_model.h"
#include "learner/core/engine_state.h"
#include "learner/service/config_from_experiment.h"
#include "learner/service/policy_version.h"

namespace estuary::learner {
namespace {

// A turn of gradient steps between two looks at the feeds, and a wait for rows.
constexpr double kTurnSeconds = 0.01;
constexpr double kLongestTurn = 1000;
constexpr absl::Duration kLook = absl::Milliseconds(50);
constexpr absl::Duration kWord = absl::Seconds(5);
constexpr absl::Duration kShow = absl::Milliseconds(500);
// Blocks appended between two turns, so that a flood of rows cannot hold up learning.
constexpr int kBlocksPerTurn = 16;

// Checkpoints kept of versions that nobody has evaluated yet.
constexpr size_t kMostCandidates = 16;

constexpr char kEngineFile[] = "engine.bin";
constexpr char kStateFile[] = "state.json";
constexpr char kPolicyFile[] = "policy_update.pb";
constexpr char kPendingPrefix[] = "pending-";

absl::StatusOr<Publisher::Update> ParseUpdate(const std::string& name, const std::string& bytes) {
  auto update = std::make_shared<v1::PolicyUpdate>();
  if (!update->ParseFromString(bytes)) {
    return absl::DataLossError(absl::StrCat("the checkpoint's ", name, " is no policy update"));
  }
  return Publisher::Update(std::move(update));
}

}  // namespace

Training::Training(const Parts& parts)
    : parts_(parts),
      experiment_(parts.folder->experiment()),
      pace_(Pace::FromExperiment(experiment_)),
      sim_rows_per_step_(experiment::SimRowsPerGradientStep(experiment_)) {}

absl::Status Training::Restore(const Checkpoint& checkpoint) {
  for (const char* needed : {kEngineFile, kStateFile, kPolicyFile}) {
    if (checkpoint.files.count(needed) == 0) {
      return absl::DataLossError(
          absl::StrCat("the checkpoint of step ", checkpoint.step, " has no file ", needed));
    }
  }
  ESTUARY_ASSIGN_OR_RETURN(state_, RunState::FromJson(checkpoint.files.at(kStateFile)));
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
  if (!loaded.ok()) return process::Annotate(loaded, "the checkpoint");
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
  model_metrics_ = {{"dynamics_model/loss", model.loss}, {"dynamics_model/error", model.error}};
  return SetDynamicsModel(*engine_, model);
}

absl::Status Training::Begin() {
  if (data_->sim_feed() != nullptr) {
    ESTUARY_RETURN_IF_ERROR(data_->sim_feed()->Follow());
    const double unreported =
        data_->UnreportedSamples(sim_rows_per_step_ * static_cast<double>(state_.gradient_steps));
    if (unreported > 0) data_->sim_feed()->ReportSamples(unreported);
  }
  if (Extends()) ESTUARY_RETURN_IF_ERROR(data_->real_feed()->Follow());
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

absl::StatusOr<Outcome> Training::Run() {
  while (state_.gradient_steps < pace_.gradient_steps) {
    if (process::ShutdownRequested()) {
      ESTUARY_RETURN_IF_ERROR(WriteCheckpoint());
      return Outcome::kStopped;
    }
    uint64_t taken = 0;
    ESTUARY_RETURN_IF_ERROR(TakeRows(absl::ZeroDuration(), &taken));
    if (!MayStep()) {
      ESTUARY_RETURN_IF_ERROR(WaitForRows());
      continue;
    }
    ESTUARY_RETURN_IF_ERROR(Step());
    ESTUARY_RETURN_IF_ERROR(DoDue());
    ShowProgress(/*at_once=*/false);
  }
  return Outcome::kFinished;
}

bool Training::MayStep() const {
  if (AllowedGradientSteps(pace_, state_.environment_steps) <= state_.gradient_steps) return false;
  if (SuppliedSteps() == 0) return false;
  return data_->sim() == nullptr || data_->sim()->size() > 0;
}

uint64_t Training::SuppliedSteps() const {
  uint64_t steps = std::numeric_limits<uint64_t>::max();
  for (const SampledFeed* samples : {data_->real_samples(), data_->sim_samples()}) {
    if (samples != nullptr) steps = std::min(steps, samples->steps());
  }
  return steps;
}

absl::Status Training::TakeSamples(uint64_t* taken) {
  for (SampledFeed* samples : {data_->real_samples(), data_->sim_samples()}) {
    if (samples != nullptr) ESTUARY_RETURN_IF_ERROR(samples->TopUp());
  }
  if (data_->sim_samples() == nullptr) return absl::OkStatus();
  const uint64_t here = std::min(data_->sim_samples()->inserted(), pace_.environment_steps);
  if (here <= state_.environment_steps) return absl::OkStatus();
  *taken = here - state_.environment_steps;
  state_.environment_steps = here;
  parts_.metrics->AddSimRows(*taken);
  return absl::OkStatus();
}

absl::Status Training::TakeRows(absl::Duration timeout, uint64_t* taken) {
  *taken = 0;
  ESTUARY_RETURN_IF_ERROR(TakeSamples(taken));
  if (ReplayFeed* feed = data_->sim_feed(); feed != nullptr) {
    for (int i = 0; i < kBlocksPerTurn; ++i) {
      const uint64_t wanted = WantedSimRows(pace_, state_.gradient_steps);
      const uint64_t most =
          wanted > state_.environment_steps ? wanted - state_.environment_steps : 0;
      if (most == 0) break;
      ESTUARY_ASSIGN_OR_RETURN(const uint64_t rows,
                               feed->Take(most, *taken == 0 ? timeout : absl::ZeroDuration()));
      if (rows == 0) break;
      *taken += rows;
      state_.environment_steps += rows;
      parts_.metrics->AddSimRows(rows);
    }
    if (feed->lost() > lost_shown_) {
      spdlog::warn("{} simulated rows were evicted before the learner could take them",
                   feed->lost() - lost_shown_);
      parts_.metrics->AddLostRows(feed->lost() - lost_shown_);
      lost_shown_ = feed->lost();
    }
  }
  return Extends() ? TakeRealRows() : absl::OkStatus();
}

bool Training::Extends() const {
  return experiment_.dataset().extend() && data_->real_feed() != nullptr;
}

absl::Status Training::TakeRealRows() {
  const uint64_t room = data_->real()->options().capacity - data_->real()->size();
  if (room == 0) {
    if (!real_full_said_) {
      spdlog::warn(
          "the learner holds {} real rows, as many as replay.real_capacity allows; it takes no "
          "more of them",
          data_->real()->size());
    }
    real_full_said_ = true;
    return absl::OkStatus();
  }
  ESTUARY_ASSIGN_OR_RETURN(const uint64_t rows,
                           data_->real_feed()->Take(room, absl::ZeroDuration()));
  if (rows == 0) return absl::OkStatus();
  if (state_.real_rows_added == 0) {
    spdlog::info("real transitions arrive; D grows beyond its {}", data_->real()->size() - rows);
  }
  state_.real_rows_added += rows;
  parts_.metrics->AddRealRows(rows);
  return absl::OkStatus();
}

std::string Training::Waiting() const {
  if (AllowedGradientSteps(pace_, state_.environment_steps) > state_.gradient_steps) {
    return absl::StrCat("waiting for the shards' samples for step ", state_.gradient_steps + 1,
                        "; can the shards be reached, and do the actors run?");
  }
  const uint64_t wanted = state_.gradient_steps == 0 ? pace_.environment_steps_per_epoch
                                                     : WantedSimRows(pace_, state_.gradient_steps);
  std::string line = absl::StrCat("waiting for simulated transitions: ", state_.environment_steps,
                                  " are here, step ", state_.gradient_steps + 1, " needs more (",
                                  wanted, " in all); do the actors run?");
  if (data_->sim_feed() == nullptr) return line;
  if (const std::string away = data_->sim_feed()->Away(); !away.empty()) {
    absl::StrAppend(&line, " replay shards that cannot be reached: ", away);
  }
  return line;
}

absl::Status Training::WaitForRows() {
  const absl::Time start = absl::Now();
  absl::Time next_word = start + kWord;
  while (!MayStep() && !process::ShutdownRequested()) {
    uint64_t taken = 0;
    ESTUARY_RETURN_IF_ERROR(TakeRows(kLook, &taken));
    if (taken == 0) process::SleepOrShutdown(absl::Milliseconds(1));
    const absl::Time now = absl::Now();
    if (now >= next_word) {
      next_word = now + kWord;
      const std::string line = Waiting();
      spdlog::info("{}", line);
      parts_.board->Update([&](v1::LearnerStatus& status) { status.set_detail(line); });
    }
    ShowProgress(/*at_once=*/false);
  }
  // The time before the first step is no starvation: there is nothing to learn from yet.
  if (state_.gradient_steps > 0) {
    const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
    state_.starved_seconds += seconds;
    parts_.metrics->AddStarved(seconds);
  }
  return absl::OkStatus();
}

absl::Status Training::Step() {
  const uint64_t turn =
      seconds_per_step_ > 0
          ? static_cast<uint64_t>(std::clamp(kTurnSeconds / seconds_per_step_, 1.0, kLongestTurn))
          : 1;
  const uint64_t end = std::min({AllowedGradientSteps(pace_, state_.environment_steps),
                                 NextDue(pace_, state_.gradient_steps),
                                 state_.gradient_steps + std::min(turn, SuppliedSteps())});
  const uint64_t count = end - state_.gradient_steps;
  const absl::Time start = absl::Now();
  const absl::Status stepped = engine_->Step(static_cast<int>(count));
  if (!stepped.ok()) {
    return absl::Status(
        stepped.code(),
        absl::StrCat(stepped.message(), "; training stops here. The last good checkpoint is '",
                     parts_.checkpoints->NewestPath(),
                     "': change the experiment (optimizer.learning_rate, optimizer.reward_scale) "
                     "and train under another name"));
  }
  const double seconds = absl::ToDoubleSeconds(absl::Now() - start) / static_cast<double>(count);
  seconds_per_step_ = seconds_per_step_ > 0 ? 0.9 * seconds_per_step_ + 0.1 * seconds : seconds;
  state_.gradient_steps = end;
  parts_.metrics->AddGradientSteps(count);
  if (data_->sim_feed() != nullptr) {
    data_->sim_feed()->ReportSamples(sim_rows_per_step_ * static_cast<double>(count));
  }
  return absl::OkStatus();
}

absl::Status Training::DoDue() {
  const uint64_t steps = state_.gradient_steps;
  if (ReportDue(pace_, steps)) ESTUARY_RETURN_IF_ERROR(WriteMetrics());
  if (PublishDue(pace_, steps)) ESTUARY_RETURN_IF_ERROR(Publish());
  if (CheckpointDue(pace_, steps)) KeepCheckpoint();
  return absl::OkStatus();
}

absl::Status Training::WriteMetrics() {
  ESTUARY_ASSIGN_OR_RETURN(newest_metrics_, engine_->Metrics());
  newest_metrics_.insert(model_metrics_.begin(), model_metrics_.end());
  newest_metrics_["replay/sampled_by_shards"] =
      (data_->real_samples() != nullptr ? 1 : 0) + (data_->sim_samples() != nullptr ? 1 : 0);
  ShowProgress(/*at_once=*/true);
  const v1::LearnerStatus status = parts_.board->Get();
  nlohmann::json line(newest_metrics_);
  line["gradient_steps"] = state_.gradient_steps;
  line["environment_steps"] = state_.environment_steps;
  line["seconds"] = Seconds();
  line["policy_version"] = state_.policy_version;
  line["real_rows"] = status.real_rows();
  line["real_rows_added"] = status.real_rows_added();
  line["sim_rows"] = status.sim_rows();
  if (status.best_version() > 0) {
    line["best_version"] = status.best_version();
    line["best_real_return"] = status.best_real_return();
  }
  line["starved_seconds"] = state_.starved_seconds;
  line["gradient_steps_per_second"] = status.gradient_steps_per_second();
  line["environment_steps_per_second"] = status.environment_steps_per_second();
  const absl::Status written = parts_.metrics_lines->Append(line);
  // A full disk takes the curve, not the run.
  if (!written.ok()) spdlog::error("{}", std::string(written.message()));
  return absl::OkStatus();
}

absl::Status Training::Publish() {
  const uint64_t steps = state_.gradient_steps;
  const bool first = published_ == nullptr;
  ESTUARY_ASSIGN_OR_RETURN(const PolicyWeights current,
                           engine_->ExportPolicy(PolicyKind::kCurrent));
  const PolicyOrigin origin = {.version = ++state_.policy_version,
                               .run_id = parts_.folder->run_id(),
                               .task = experiment_.task(),
                               .environment_steps = state_.environment_steps};
  auto update = std::make_shared<v1::PolicyUpdate>();
  if (experiment_.optimizer().policy_average() < 1) {
    ESTUARY_ASSIGN_OR_RETURN(const PolicyWeights averaged,
                             engine_->ExportPolicy(PolicyKind::kAveraged));
    *update->mutable_policy() = MakePolicyVersion(averaged, origin);
    *update->mutable_exploration_policy() = MakePolicyVersion(current, origin);
  } else {
    *update->mutable_policy() = MakePolicyVersion(current, origin);
  }
  if (pace_.lockstep && pace_.simulation) {
    // After the last step the actor has nothing more to do.
    update->set_environment_steps_limit(
        WantedSimRows(pace_, std::min(steps, pace_.gradient_steps - 1)));
  }
  published_ = update;
  if (first) ESTUARY_RETURN_IF_ERROR(WriteCheckpoint());
  const bool evaluate = parts_.evaluations->wanted() && steps > 0 && EvaluationDue(pace_, steps);
  if (evaluate) {
    parts_.evaluations->Expect(state_.policy_version, steps, state_.environment_steps);
    absl::StatusOr<Checkpoint> candidate = MakeCheckpoint();
    if (candidate.ok()) {
      candidate->files[kPolicyFile] = update->SerializeAsString();
    }
    const absl::Status kept = candidate.ok()
                                  ? parts_.best->AddCandidate(state_.policy_version, *candidate)
                                  : candidate.status();
    if (!kept.ok()) {
      spdlog::error("version {} cannot be kept as the best: {}", state_.policy_version,
                    std::string(kept.message()));
    }
  }
  parts_.publisher->Publish(std::move(update), evaluate);
  return absl::OkStatus();
}

absl::StatusOr<Checkpoint> Training::MakeCheckpoint() {
  state_.seconds = Seconds();
  state_.evaluated = evaluated();
  if (data_->real_feed() != nullptr) state_.real = data_->real_feed()->positions();
  if (data_->sim_feed() != nullptr) state_.sim = data_->sim_feed()->positions();
  if (data_->real_samples() != nullptr) state_.real = data_->real_samples()->positions();
  if (data_->sim_samples() != nullptr) state_.sim = data_->sim_samples()->positions();
  Checkpoint checkpoint;
  checkpoint.step = state_.gradient_steps;
  ESTUARY_ASSIGN_OR_RETURN(checkpoint.files[kEngineFile], engine_->Save());
  checkpoint.files[kStateFile] = state_.ToJson();
  checkpoint.files[kPolicyFile] = published_->SerializeAsString();
  return checkpoint;
}

absl::Status Training::WriteCheckpoint() {
  ESTUARY_ASSIGN_OR_RETURN(Checkpoint checkpoint, MakeCheckpoint());
  for (const Publisher::Update& update : parts_.publisher->Pending()) {
    checkpoint.files[absl::StrCat(kPendingPrefix, update->policy().version(), ".pb")] =
        update->SerializeAsString();
  }
  const absl::Status written = parts_.checkpoints->Write(checkpoint);
  parts_.metrics->AddCheckpoint(written.ok());
  if (!written.ok()) {
    return process::Annotate(written, absl::StrCat("the checkpoint of step ", checkpoint.step,
                                                   " could not be written; the last good one is '",
                                                   parts_.checkpoints->NewestPath(), "'"));
  }
  return absl::OkStatus();
}

void Training::KeepCheckpoint() {
  // A full disk does not stop the run: the older checkpoints are there, and the next may succeed.
  if (const absl::Status written = WriteCheckpoint(); !written.ok()) {
    spdlog::error("{}", std::string(written.message()));
  }
}

void Training::SettleBest() {
  // Before the results: a version that is retired in between stays a candidate until the next time.
  const std::vector<Publisher::Update> pending = parts_.publisher->Pending();
  const uint64_t before = parts_.best->best().version;
  for (const Evaluations::RealResult& result : parts_.evaluations->TakeRealResults()) {
    if (const absl::Status offered = parts_.best->Offer(result); !offered.ok()) {
      spdlog::error("the best policy could not be kept: {}", std::string(offered.message()));
    }
  }
  std::set<uint64_t> candidates;
  for (size_t i = pending.size() > kMostCandidates ? pending.size() - kMostCandidates : 0;
       i < pending.size(); ++i) {
    candidates.insert(pending[i]->policy().version());
  }
  parts_.best->KeepOnly(candidates);
  const BestPolicy::Record& best = parts_.best->best();
  if (best.version == 0) return;
  if (best.version != before) {
    spdlog::info("version {} is the best so far: return {:.1f} on the real dynamics", best.version,
                 best.real_return);
  }
  parts_.board->Update([&best](v1::LearnerStatus& status) {
    status.set_best_version(best.version);
    status.set_best_real_return(best.real_return);
  });
}

void Training::ShowProgress(bool at_once) {
  const absl::Time now = absl::Now();
  const double passed = absl::ToDoubleSeconds(now - shown_);
  if (!at_once && now - shown_ < kShow) return;
  parts_.board->Update([&](v1::LearnerStatus& status) {
    status.set_gradient_steps(state_.gradient_steps);
    status.set_environment_steps(state_.environment_steps);
    status.set_real_rows(data_->real_rows());
    status.set_real_rows_added(state_.real_rows_added);
    status.set_sim_rows(data_->sim_rows());
    status.set_policy_version(state_.policy_version);
    status.set_starved_seconds(state_.starved_seconds);
    if (passed >= 0.2) {
      status.set_gradient_steps_per_second(
          static_cast<double>(state_.gradient_steps - shown_steps_) / passed);
      status.set_environment_steps_per_second(
          static_cast<double>(state_.environment_steps - shown_rows_) / passed);
    }
    const bool waits_for_first = state_.gradient_steps == 0 && !MayStep();
    const auto phase =
        waits_for_first ? v1::LEARNER_PHASE_WAITING_FOR_SIMULATED_DATA : v1::LEARNER_PHASE_TRAINING;
    if (status.phase() != phase || MayStep()) status.set_detail("");
    status.set_phase(phase);
    for (const auto& [name, value] : newest_metrics_) (*status.mutable_metrics())[name] = value;
    parts_.metrics->Set(status);
  });
  if (passed >= 0.2) {
    shown_ = now;
    shown_steps_ = state_.gradient_steps;
    shown_rows_ = state_.environment_steps;
  }
  SettleBest();
  parts_.metrics->SetSubscribers(parts_.publisher->subscribers());
  parts_.metrics->SetPendingEvaluations(parts_.publisher->Pending().size(),
                                        parts_.publisher->evaluations_given_up());
  if (data_->sim_feed() != nullptr) parts_.metrics->SetRowsBehind(data_->sim_feed()->behind());
}

double Training::Seconds() const {
  return seconds_before_ + absl::ToDoubleSeconds(absl::Now() - started_);
}

}  // namespace estuary::learner
