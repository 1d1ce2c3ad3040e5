// estuary train: an experiment on a cluster of processes on this machine.
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/commands/commands.h"
#include "cli/progress/display.h"
#include "cli/progress/format.h"
#include "cli/report/report.h"
#include "cli/report/run_data.h"
#include "cli/training/prepare.h"
#include "cli/training/training.h"
#include "common/process/files.h"
#include "common/process/shutdown.h"
#include "common/process/status.h"

namespace estuary::cli {
namespace {

void Announce(const Training& training, Display& display) {
  const PreparedTraining& prepared = training.prepared();
  display.Say(absl::StrCat(prepared.resume ? "going on with " : "training ",
                           prepared.experiment.name(), " (", prepared.experiment.algorithm().name(),
                           " on ", prepared.experiment.task(), ", seed ",
                           prepared.experiment.seed(), ") in ", prepared.run_dir));
  display.Say(
      absl::StrCat("watch it: estuary status --replay=", absl::StrJoin(training.plan().shards, ","),
                   " --learner=", training.plan().learner));
}

// ", mean return 141k in reality and 10.6k in simulation", of the final policy.
std::string FinalReturns(const std::string& run_dir) {
  const absl::StatusOr<RunData> run = ReadRun(run_dir);
  std::string text;
  if (!run.ok()) return text;
  for (const auto& [dynamics, place] :
       {std::pair("real", "in reality"), std::pair("sim", "in simulation")}) {
    const auto found = run->final_evaluation.find(dynamics);
    if (found == run->final_evaluation.end()) continue;
    absl::StrAppend(&text, text.empty() ? ", mean return " : " and ",
                    Short(found->second.MeanReturn()), " ", place);
  }
  return text;
}

// A line about the version that did best on the real dynamics while training went on, where there
// is one.
std::string BestReturn(const std::string& run_dir) {
  const absl::StatusOr<std::string> text = process::ReadFile(run_dir + "/best_policy.json");
  if (!text.ok()) return "";
  const nlohmann::json record = nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false);
  const auto number = [&record](const char* name) {
    return record.is_object() ? record.value(name, nlohmann::json()) : nlohmann::json();
  };
  const nlohmann::json mean = number("real_return"), step = number("gradient_steps");
  if (!mean.is_number() || !step.is_number_unsigned()) return "";
  return absl::StrCat("The best of the versions judged on the way, by those very returns: step ",
                      WithCommas(step.get<uint64_t>()), ", mean return ", Short(mean.get<double>()),
                      " in reality, ", run_dir, "/best_policy.pb.\n");
}

std::string Closing(const PreparedTraining& prepared, absl::Duration elapsed,
                    const absl::Status& report) {
  const std::string policy = prepared.run_dir + "/final_policy.pb";
  std::string text =
      absl::StrCat(prepared.experiment.name(), " is trained (", Clock(elapsed), "): ", policy,
                   FinalReturns(prepared.run_dir), ".\n", BestReturn(prepared.run_dir));
  if (report.ok()) {
    absl::StrAppend(&text, "Its curves are in ", prepared.run_dir, "/report.html. ");
  } else {
    absl::StrAppend(&text, "Its report could not be drawn: ", std::string(report.message()), "\n");
  }
  absl::StrAppend(&text, "Next, judge it over more episodes with\n  estuary evaluate ", policy,
                  " --dynamics=real --episodes=10\n");
  if (absl::StartsWith(prepared.task.name, "wheel_legged")) {
    absl::StrAppend(&text, "or let it drive the robot at 200 Hz with\n  estuary drive ", policy,
                    "\n");
  }
  return text;
}

absl::Status Train(const TrainingOptions& options) {
  ESTUARY_ASSIGN_OR_RETURN(PreparedTraining prepared, PrepareTraining(options));
  if (prepared.finished) {
    ESTUARY_RETURN_IF_ERROR(WriteRunReport(prepared.run_dir));
    std::printf("%s has ended already: %s/final_policy.pb\n", prepared.experiment.name().c_str(),
                prepared.run_dir.c_str());
    return absl::OkStatus();
  }
  Display display({prepared.experiment.name()});
  ESTUARY_ASSIGN_OR_RETURN(
      const std::unique_ptr<Training> training,
      Training::Start(std::move(prepared), [&](const std::string& line) { display.Say(line); }));
  Announce(*training, display);
  while (!training->done()) {
    if (process::SleepOrShutdown(absl::Milliseconds(100))) {
      display.Say("stopping the cluster");
      training->Stop();
      return absl::CancelledError(absl::StrCat("stopped at ", WithCommas(training->state().done),
                                               " of ", WithCommas(training->state().total),
                                               " gradient steps; --resume goes on from the newest "
                                               "checkpoint"));
    }
    ESTUARY_RETURN_IF_ERROR(training->Poll());
    display.Update(0, training->state());
  }
  display.Flush();
  const absl::Status report = WriteRunReport(training->prepared().run_dir);
  std::fputs(Closing(training->prepared(), training->elapsed(), report).c_str(), stdout);
  return absl::OkStatus();
}

}  // namespace

Command TrainCommand() {
  return {
      .name = "train",
      .arguments = "EXPERIMENT",
      .summary = "Train a policy on a cluster of processes on this machine",
      .details =
          "EXPERIMENT is a text-format protobuf (experiments/*.textproto). Starts the replay\n"
          "shards, the learner, the actors and the evaluator, imports the dataset, looks after\n"
          "them all, and ends them cleanly, also on Ctrl-C. Everything that comes out is in\n"
          "RUNS/NAME/: experiment.textproto (with every default), metrics.jsonl,\n"
          "evaluations.jsonl, checkpoints/, final_policy.pb (the last), best_policy.pb (the best "
          "by\n"
          "return on the real dynamics), report.html, logs/.",
      .prepare = [](Flags& flags) -> Command::Run {
        auto options = std::make_shared<TrainingOptions>();
        flags.Add("name", &options->name, "NAME", "of the run (default: the experiment's)");
        flags.Add("runs", &options->runs, "FOLDER", "where the runs' folders are");
        flags.Add("seed", &options->seed, "N", "instead of the experiment's");
        flags.Add("dataset", &options->dataset, "FILE", "instead of the experiment's");
        flags.Add("set", &options->settings, "TEXT",
                  "further fields of the experiment: 'budget { gradient_steps: 2000 }'");
        flags.Add("deterministic", &options->deterministic,
                  "one actor in lockstep: the same seed gives the same policy again");
        flags.Add("resume", &options->resume, "go on with the run that the folder holds");
        flags.Add("metrics", &options->metrics, "HOST:PORT",
                  "serve each process's Prometheus metrics, from this port up");
        return [options](const std::vector<std::string>& arguments) {
          options->experiment_path = arguments[0];
          return Train(*options);
        };
      }};
}

}  // namespace estuary::cli
