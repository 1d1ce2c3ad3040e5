#include "cli/sweep/sweep.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <filesystem>
#include <memory>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "cli/evaluation/evaluation_file.h"
#include "cli/gap/measure.h"
#include "cli/progress/display.h"
#include "cli/progress/format.h"
#include "cli/recipe/recipe.h"
#include "cli/report/report.h"
#include "cli/report/run_data.h"
#include "cli/training/prepare.h"
#include "cli/training/training.h"
#include "common/experiment/experiment.h"
#include "common/process/files.h"
#include "common/process/shutdown.h"
#include "common/process/status.h"
#include "common/process/textproto.h"

namespace estuary::cli {
namespace {

namespace fs = std::filesystem;

constexpr uint32_t kDefaultEpisodes = 10;
constexpr absl::Duration kLook = absl::Milliseconds(200);

// One place of the machine, and the run in it.
struct Slot {
  const SweepRun* run = nullptr;
  PreparedTraining prepared;
  std::unique_ptr<Training> training;
  // Once the training is done.
  std::thread evaluation;
  std::atomic<bool> evaluated{false};
  absl::Status status;

  bool free() const { return run == nullptr; }
  ~Slot() {
    if (evaluation.joinable()) evaluation.join();
  }
};

class Sweeper {
 public:
  Sweeper(const SweepPlan& plan, const SweepOptions& options)
      : plan_(plan), options_(options), folder_(SweepFolder(plan, options.runs)) {}

  absl::Status Run() {
    ESTUARY_RETURN_IF_ERROR(process::CreateDirectories(folder_ + "/experiments"));
    ChooseRuns();
    ESTUARY_RETURN_IF_ERROR(CheckDatasets());
    const uint64_t cores = std::max(1u, std::thread::hardware_concurrency());
    const size_t jobs = std::min<size_t>(options_.jobs == 0 ? cores : options_.jobs,
                                         std::max<size_t>(waiting_.size(), 1));
    slots_ = std::vector<Slot>(jobs);
    std::vector<std::string> names;
    for (size_t i = 0; i < jobs; ++i) names.push_back(absl::StrCat(i + 1));
    Display display(names);
    display.Say(absl::StrCat(plan_.name, ": ", waiting_.size(), " trainings to do, ", already_done_,
                             " done already; ", jobs, " at once, in ", folder_));
    while (!waiting_.empty() || Busy()) {
      for (size_t i = 0; i < jobs; ++i) {
        Slot& slot = slots_[i];
        if (slot.free() && !waiting_.empty()) Begin(slot, display);
        if (!slot.free()) LookAfter(slot, display);
        if (!slot.free() && slot.training != nullptr) display.Update(i, StateOfSlot(slot));
      }
      if (process::SleepOrShutdown(kLook)) return Stop(display);
    }
    if (!failures_.empty()) {
      return absl::InternalError(absl::StrCat(failures_.size(), " of ", Total(),
                                              " trainings failed:\n  ",
                                              absl::StrJoin(failures_, "\n  ")));
    }
    return absl::OkStatus();
  }

 private:
  void ChooseRuns() {
    std::error_code error;
    for (size_t i = options_.part; i < plan_.runs.size(); i += options_.parts) {
      const std::string run = absl::StrCat(folder_, "/", plan_.runs[i].name);
      if (fs::exists(absl::StrCat(run, "/", kFinalEvaluationFile), error)) {
        ++already_done_;
      } else {
        waiting_.push_back(&plan_.runs[i]);
      }
    }
  }

  // All that are missing at once, rather than a training's failure for each.
  absl::Status CheckDatasets() const {
    std::set<std::string> missing;
    for (const SweepRun* run : waiting_) {
      v1::Experiment effective = run->experiment;
      ESTUARY_RETURN_IF_ERROR(process::Annotate(experiment::FillDefaults(effective), run->name));
      const std::string& path = effective.dataset().path();
      std::error_code error;
      if (!experiment::UsesRealData(effective) || path.empty() || fs::exists(path, error)) continue;
      missing.insert(CommandThatMakes(path, effective.task()));
    }
    if (missing.empty()) return absl::OkStatus();
    return absl::NotFoundError(absl::StrCat("datasets are missing; these commands make them:\n  ",
                                            absl::StrJoin(missing, "\n  ")));
  }

  bool Busy() const {
    return std::any_of(slots_.begin(), slots_.end(), [](const Slot& slot) { return !slot.free(); });
  }

  size_t Total() const { return finished_ + failures_.size() + waiting_.size(); }

  void Begin(Slot& slot, Display& display) {
    slot.run = waiting_.front();
    waiting_.pop_front();
    slot.evaluated = false;
    slot.status = Start(slot, display);
    if (!slot.status.ok()) End(slot, display);
  }

  absl::Status Start(Slot& slot, Display& display) {
    const std::string& name = slot.run->name;
    TrainingOptions training;
    training.experiment_path = absl::StrCat(folder_, "/experiments/", name, ".textproto");
    ESTUARY_RETURN_IF_ERROR(process::WriteFileAtomically(
        training.experiment_path, process::ToTextProto(slot.run->experiment)));
    training.runs = folder_;
    std::error_code error;
    training.resume = fs::exists(absl::StrCat(folder_, "/", name, "/run_id"), error);
    ESTUARY_ASSIGN_OR_RETURN(slot.prepared, PrepareTraining(training));
    if (slot.prepared.finished) {
      Evaluate(slot);
      return absl::OkStatus();
    }
    ESTUARY_ASSIGN_OR_RETURN(slot.training,
                             Training::Start(slot.prepared, [&](const std::string& line) {
                               display.Say(absl::StrCat(name, ": ", line));
                             }));
    return absl::OkStatus();
  }

  void Evaluate(Slot& slot) {
    const uint32_t episodes =
        plan_.sweep.has_final_episodes() ? plan_.sweep.final_episodes() : kDefaultEpisodes;
    slot.evaluation = std::thread([this, &slot, episodes] {
      slot.status = LookBack(slot.prepared, static_cast<int>(episodes));
      slot.evaluated = true;
    });
  }

  // The evaluation comes last: with it the run counts as done.
  absl::Status LookBack(const PreparedTraining& prepared, int episodes) const {
    const std::string& run_dir = prepared.run_dir;
    const std::string& task = prepared.task.name;
    ESTUARY_RETURN_IF_ERROR(RecordFinalEpisode(run_dir, task));
    if (plan_.sweep.gap_transitions() > 0) {
      ESTUARY_RETURN_IF_ERROR(
          MeasureRunGap(run_dir, prepared.experiment, plan_.sweep.gap_transitions()));
    }
    ESTUARY_RETURN_IF_ERROR(
        EvaluateFinalPolicy(run_dir, task, prepared.experiment.gap(), episodes));
    return WriteRunReport(run_dir);
  }

  void LookAfter(Slot& slot, Display& display) {
    if (slot.evaluation.joinable()) {
      if (!slot.evaluated) return;
      slot.evaluation.join();
      End(slot, display);
      return;
    }
    slot.status = slot.training->Poll();
    if (!slot.status.ok()) return End(slot, display);
    if (slot.training->done()) {
      seconds_of_trainings_ += absl::ToDoubleSeconds(slot.training->elapsed());
      ++timed_;
      slot.training.reset();
      Evaluate(slot);
    }
  }

  void End(Slot& slot, Display& display) {
    slot.training.reset();
    const std::string& name = slot.run->name;
    if (slot.status.ok()) {
      ++finished_;
      display.Say(absl::StrCat(name, " is done", Outlook()));
    } else {
      failures_.push_back(absl::StrCat(name, ": ", std::string(slot.status.message())));
      display.Say(absl::StrCat(failures_.back(), Outlook()));
    }
    slot.run = nullptr;
  }

  // " (12 of 60, about 1:20:00 left)".
  std::string Outlook() const {
    const size_t ended = finished_ + failures_.size();
    std::string text = absl::StrCat(" (", ended, " of ", ended + waiting_.size() + Running() - 1);
    if (timed_ > 0 && !waiting_.empty()) {
      const double each = seconds_of_trainings_ / static_cast<double>(timed_);
      const double rounds =
          static_cast<double>(waiting_.size()) / static_cast<double>(slots_.size()) + 0.5;
      absl::StrAppend(&text, ", about ", Clock(absl::Seconds(each * rounds)), " left");
    }
    return text + ")";
  }

  size_t Running() const {
    return std::count_if(slots_.begin(), slots_.end(),
                         [](const Slot& slot) { return !slot.free(); });
  }

  TrainingState StateOfSlot(const Slot& slot) const {
    TrainingState state = slot.training->state();
    state.phase =
        state.phase.empty() ? slot.run->name : absl::StrCat(slot.run->name, ", ", state.phase);
    return state;
  }

  absl::Status Stop(Display& display) {
    display.Say("stopping the trainings that run");
    for (Slot& slot : slots_) {
      if (slot.training != nullptr) slot.training->Stop();
    }
    return absl::CancelledError(absl::StrCat("the sweep was stopped with ",
                                             finished_ + already_done_, " of ", plan_.runs.size(),
                                             " trainings done; the same command goes on"));
  }

  const SweepPlan& plan_;
  const SweepOptions& options_;
  const std::string folder_;
  std::deque<const SweepRun*> waiting_;
  std::vector<Slot> slots_;
  size_t already_done_ = 0;
  size_t finished_ = 0;
  std::vector<std::string> failures_;
  double seconds_of_trainings_ = 0;
  size_t timed_ = 0;
};

}  // namespace

std::string SweepFolder(const SweepPlan& plan, const std::string& runs) {
  return absl::StrCat(runs, "/",
                      plan.sweep.trainings().empty() ? plan.name : plan.sweep.trainings());
}

std::string SweepReportFolder(const SweepPlan& plan, const std::string& runs) {
  return absl::StrCat(runs, "/", plan.name);
}

absl::Status RecordEpisodes(const SweepPlan& plan, const std::string& folder) {
  std::error_code error;
  for (const SweepRun& run : plan.runs) {
    const std::string run_dir = absl::StrCat(folder, "/", run.name);
    if (!fs::exists(absl::StrCat(run_dir, "/", kFinalEvaluationFile), error) ||
        !fs::exists(run_dir + "/final_policy.pb", error)) {
      continue;
    }
    ESTUARY_RETURN_IF_ERROR(RecordFinalEpisode(run_dir, run.experiment.task()));
  }
  return absl::OkStatus();
}

absl::Status RunSweep(const SweepPlan& plan, const SweepOptions& options) {
  if (options.parts == 0 || options.part >= options.parts) {
    return absl::InvalidArgumentError(
        absl::StrCat("part ", options.part, " of ", options.parts, ": parts are counted from 0"));
  }
  if (options.jobs > 1000) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--jobs is ", options.jobs, "; it may be 1 to 1000, or 0 for one a processor"));
  }
  return Sweeper(plan, options).Run();
}

}  // namespace estuary::cli
