#include "cli/training/training.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cli/data/importer.h"
#include "cli/data/schemas.h"
#include "cli/report/run_data.h"
#include "common/client/learner_client.h"
#include "common/client/replay_shards.h"
#include "common/experiment/experiment.h"
#include "common/process/status.h"

namespace estuary::cli {
namespace {

constexpr absl::Duration kGlance = absl::Milliseconds(250);
constexpr absl::Duration kAsk = absl::Seconds(2);
// Once the learner has finished, the others have this long to notice.
constexpr absl::Duration kFarewell = absl::Seconds(10);

}  // namespace

TrainingState StateOf(const v1::LearnerStatus& learner) {
  TrainingState state;
  state.done = learner.gradient_steps();
  state.total = learner.gradient_steps_total();
  state.gradient_steps_per_second = learner.gradient_steps_per_second();
  state.environment_steps_per_second = learner.environment_steps_per_second();
  switch (learner.phase()) {
    case v1::LEARNER_PHASE_TRAINING:
      state.phase = "training";
      break;
    case v1::LEARNER_PHASE_FINISHING:
      state.phase = "last evaluation";
      break;
    case v1::LEARNER_PHASE_DONE:
      state.phase = "done";
      break;
    case v1::LEARNER_PHASE_FAILED:
      state.phase = "failed";
      state.waiting = learner.detail();
      break;
    default:
      state.phase = learner.detail().empty() ? "waiting" : learner.detail();
  }
  if (learner.evaluated_version() > 0) {
    state.real_return = learner.real_return();
    state.sim_return = learner.sim_return();
  }
  if (const auto gap = learner.metrics().find(kGapMetric); gap != learner.metrics().end()) {
    state.gap = gap->second;
  }
  return state;
}

absl::StatusOr<std::unique_ptr<Training>> Training::Start(
    PreparedTraining prepared, std::function<void(const std::string&)> say) {
  ESTUARY_ASSIGN_OR_RETURN(std::unique_ptr<ScratchFolder> scratch, ScratchFolder::Create());
  ESTUARY_ASSIGN_OR_RETURN(ClusterPlan plan, PlanCluster({.experiment = prepared.experiment,
                                                          .task = prepared.task,
                                                          .run_dir = prepared.run_dir,
                                                          .run_id = prepared.experiment.name(),
                                                          .resume = prepared.resume,
                                                          .metrics = prepared.metrics},
                                                         *scratch));
  Supervisor::Options supervisor;
  supervisor.say = std::move(say);
  std::unique_ptr<Training> training(new Training(std::move(prepared), std::move(scratch),
                                                  std::move(plan), std::move(supervisor)));
  ESTUARY_RETURN_IF_ERROR(training->supervisor_.StartAll());
  if (experiment::UsesRealData(training->prepared_.experiment)) training->StartImport();
  training->watcher_ = std::thread([t = training.get()] { t->WatchLearner(); });
  return training;
}

Training::Training(PreparedTraining prepared, std::unique_ptr<ScratchFolder> scratch,
                   ClusterPlan plan, Supervisor::Options supervisor)
    : prepared_(std::move(prepared)),
      scratch_(std::move(scratch)),
      plan_(std::move(plan)),
      supervisor_(std::move(supervisor)),
      started_(absl::Now()) {
  for (const ChildSpec& spec : plan_.children) supervisor_.Add(spec);
}

Training::~Training() { Stop(); }

void Training::StartImport() {
  {
    absl::MutexLock lock(&mutex_);
    importing_ = true;
  }
  importer_ = std::thread([this] {
    const absl::Status status =
        ImportDataset({.path = prepared_.experiment.dataset().path(),
                       .rows = prepared_.experiment.dataset().transitions(),
                       .episodes_seed = EpisodesSeed(prepared_.experiment),
                       .shards = plan_.shards,
                       .schema = RealSchema(prepared_.task, prepared_.experiment)},
                      import_progress_);
    absl::MutexLock lock(&mutex_);
    importing_ = false;
    import_status_ = process::Annotate(status, "the import of the dataset");
  });
}

void Training::WatchLearner() {
  std::unique_ptr<client::LearnerClient> client;
  while (!stopping_) {
    // A fresh channel where the learner was away: an old one would wait out its backoff first.
    if (client == nullptr) client = std::make_unique<client::LearnerClient>(plan_.learner);
    const absl::StatusOr<v1::LearnerStatus> status = client->Status(kAsk);
    if (!status.ok()) client.reset();
    if (status.ok()) {
      absl::MutexLock lock(&mutex_);
      learner_ = *status;
      if (learner_.phase() == v1::LEARNER_PHASE_TRAINING) {
        gradient_rate_.Add(absl::Now(), static_cast<double>(learner_.gradient_steps()));
        environment_rate_.Add(absl::Now(), static_cast<double>(learner_.environment_steps()));
      }
      learner_answered_ = true;
    }
    const absl::Time next = absl::Now() + kGlance;
    while (!stopping_ && absl::Now() < next) absl::SleepFor(absl::Milliseconds(20));
  }
}

absl::Status Training::Poll() {
  if (done_) return absl::OkStatus();
  absl::Status status = supervisor_.Poll();
  {
    absl::MutexLock lock(&mutex_);
    status.Update(import_status_);
  }
  if (status.ok() && supervisor_.Finished("learner")) Finish();
  if (!status.ok()) Stop();
  return status;
}

void Training::Finish() {
  if (ended_ == absl::InfiniteFuture()) ended_ = absl::Now();
  supervisor_.LetGo();
  for (const ChildSpec& spec : plan_.children) {
    const bool worker = spec.may_finish && spec.name != "learner";
    if (worker && supervisor_.Pid(spec.name) != 0 && absl::Now() < ended_ + kFarewell) {
      return;
    }
  }
  RemoveReplayCopy();
  done_ = true;
  Stop();
}

// The shards' files are a copy of the dataset and of what the simulator can make again; but rows
// that a robot sent meanwhile are nowhere else.
void Training::RemoveReplayCopy() {
  for (const auto& answer : client::DescribeShards(plan_.shards, kAsk)) {
    if (!answer.ok()) return;
    const v1::TableStatus* real = client::FindTable(*answer, experiment::kRealTable);
    if (real == nullptr || real->rows() > real->inserted_in_bulk()) return;
  }
  supervisor_.Stop();
  std::error_code error;
  std::filesystem::remove_all(prepared_.run_dir + "/replay", error);
}

TrainingState Training::state() const {
  absl::MutexLock lock(&mutex_);
  TrainingState state;
  if (learner_answered_) {
    state = StateOf(learner_);
    state.gradient_steps_per_second = gradient_rate_.rate();
    state.environment_steps_per_second = environment_rate_.rate();
  } else {
    state.total = prepared_.experiment.budget().gradient_steps();
    state.phase = "starting";
  }
  if (importing_ && state.phase != "training") {
    state.phase = "importing the dataset";
    state.waiting.clear();
    state.done = import_progress_.rows_sent;
    state.total = prepared_.experiment.dataset().transitions();
  }
  if (done_) {
    state.phase = "done";
    state.done = state.total;
  }
  return state;
}

void Training::Stop() {
  stopping_ = true;
  import_progress_.cancel = true;
  if (watcher_.joinable()) watcher_.join();
  if (importer_.joinable()) importer_.join();
  supervisor_.Stop();
  if (ended_ == absl::InfiniteFuture()) ended_ = absl::Now();
}

absl::Duration Training::elapsed() const { return std::min(ended_, absl::Now()) - started_; }

}  // namespace estuary::cli
