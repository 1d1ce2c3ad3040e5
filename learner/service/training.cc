#include "learner/service/training.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/experiment/pace.h"
#include "common/process/log.h"
#include "common/process/shutdown.h"
#include "common/process/status.h"
#include "learner/service/checkpoint_files.h"
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

}  // namespace

Training::Training(const Parts& parts)
    : parts_(parts),
      experiment_(parts.folder->experiment()),
      pace_(Pace::FromExperiment(experiment_)),
      sim_rows_per_step_(experiment::SimRowsPerGradientStep(experiment_)) {}

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
  ShowEnd();
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
  parts_.board->RealRowsCame();
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
  absl::Time counted = absl::Now();
  absl::Time next_word = counted + kWord;
  while (!MayStep() && !process::ShutdownRequested()) {
    const Want want = AllowedGradientSteps(pace_, state_.environment_steps) > state_.gradient_steps
                          ? Want::kSamples
                          : Want::kRows;
    uint64_t taken = 0;
    ESTUARY_RETURN_IF_ERROR(TakeRows(kLook, &taken));
    if (taken == 0) process::SleepOrShutdown(absl::Milliseconds(1));
    const absl::Time now = absl::Now();
    CountStarved(want, absl::ToDoubleSeconds(now - std::exchange(counted, now)));
    if (now >= next_word) {
      next_word = now + kWord;
      const std::string line = Waiting();
      spdlog::info("{}", line);
      parts_.board->Update([&](v1::LearnerStatus& status) { status.set_detail(line); });
    }
    ShowProgress(/*at_once=*/false);
  }
  return absl::OkStatus();
}

void Training::CountStarved(Want want, double seconds) {
  // The time before the first step is no starvation: there is nothing to learn from yet.
  if (state_.gradient_steps == 0) return;
  state_.starved_seconds += seconds;
  parts_.metrics->AddStarved(want, seconds);
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
  parts_.metrics->AddGradientSteps(count, seconds);
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
  newest_metrics_.insert(state_.start_metrics.begin(), state_.start_metrics.end());
  ESTUARY_ASSIGN_OR_RETURN(const TensorTree rows, engine_->RowMetrics());
  parts_.metrics->ObserveRows(rows);
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
  parts_.metrics->SetPolicy(state_.policy_version);
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
    if (pace_.simulation && state_.environment_steps > 0) {
      const auto per_row = [this](uint64_t steps, uint64_t rows) {
        return sim_rows_per_step_ * static_cast<double>(steps) / static_cast<double>(rows);
      };
      status.set_samples_per_insert(per_row(state_.gradient_steps, state_.environment_steps));
      status.set_samples_per_insert_configured(
          per_row(pace_.gradient_steps_per_epoch, pace_.environment_steps_per_epoch));
    }
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
  if (data_->sim_feed() != nullptr) {
    parts_.metrics->SetRowsBehind("sim", data_->sim_feed()->behind());
  }
  if (Extends()) parts_.metrics->SetRowsBehind("real", data_->real_feed()->behind());
}

void Training::ShowEnd() {
  ShowProgress(/*at_once=*/true);
  parts_.board->Update([this](v1::LearnerStatus& status) {
    status.set_gradient_steps_per_second(0);
    status.set_environment_steps_per_second(0);
    parts_.metrics->Set(status);
  });
}

double Training::Seconds() const {
  return seconds_before_ + absl::ToDoubleSeconds(absl::Now() - started_);
}

}  // namespace estuary::learner
