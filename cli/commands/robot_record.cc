// estuary robot record: somebody steers the robot, and what happens becomes a dataset.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/commands/commands.h"
#include "cli/progress/display.h"
#include "cli/progress/format.h"
#include "cli/record/record.h"
#include "common/client/replay_shards.h"
#include "common/process/shutdown.h"
#include "common/process/status.h"

namespace estuary::cli {
namespace {

struct Options {
  std::string task = "wheel_legged_stand";
  uint64_t transitions = 100'000;
  std::string output;
  bool overwrite = false;
  std::string hand = "scripted";
  std::string device;
  std::string bridge;
  std::string replay;
  double episode_seconds = 10;
  bool rearm = false;
  uint64_t seed = 1;
};

absl::StatusOr<RecordOptions> Check(const Options& options) {
  RecordOptions record;
  ESTUARY_ASSIGN_OR_RETURN(record.task, worlds::FindTask(options.task));
  if (options.output.empty()) {
    return absl::InvalidArgumentError("--output=FILE is needed: where to write the dataset");
  }
  if (std::filesystem::exists(options.output) && !options.overwrite) {
    return absl::AlreadyExistsError(absl::StrCat(
        "'", options.output, "' exists; --overwrite replaces it, --output names another"));
  }
  if (options.transitions < 1) {
    return absl::InvalidArgumentError("--transitions is 0; give it how many to record");
  }
  if (!(options.episode_seconds > 0 && options.episode_seconds <= 86400)) {
    return absl::InvalidArgumentError(absl::StrCat("--episode_seconds is ", options.episode_seconds,
                                                   "; it may be above 0, up to 86400"));
  }
  if (options.bridge.empty() != options.replay.empty()) {
    return absl::InvalidArgumentError(
        "give --bridge and --replay together, to record a robot that runs, or neither, to record "
        "the emulated one");
  }
  if (!options.replay.empty()) {
    ESTUARY_ASSIGN_OR_RETURN(record.shards, client::ParseShards(options.replay));
  }
  record.bridge = options.bridge;
  record.transitions = options.transitions;
  record.output = options.output;
  record.hand = {.kind = options.hand, .device = options.device, .seed = options.seed};
  record.episode_seconds = options.episode_seconds;
  record.rearm = options.rearm;
  return record;
}

void Print(const Record& record, const std::string& output) {
  const Recorded& recorded = record.recorded();
  const auto count = [&](v1::TransitionSource source) {
    return WithCommas(std::count(recorded.source.begin(), recorded.source.end(), source));
  };
  const auto& c = recorded.columns;
  std::printf("%s: %s transitions\n", output.c_str(), WithCommas(c.size()).c_str());
  std::printf("  chosen by     operator %s, fallback %s, policy %s\n",
              count(v1::TRANSITION_SOURCE_OPERATOR).c_str(),
              count(v1::TRANSITION_SOURCE_FALLBACK).c_str(),
              count(v1::TRANSITION_SOURCE_POLICY).c_str());
  std::printf("  episodes      %s ended in a terminal state, %s were cut\n",
              WithCommas(std::count(c.terminal.begin(), c.terminal.end(), 1)).c_str(),
              WithCommas(std::count(c.timeout.begin(), c.timeout.end(), 1)).c_str());
}

absl::Status RunRecord(const Options& options) {
  ESTUARY_ASSIGN_OR_RETURN(RecordOptions checked, Check(options));
  ESTUARY_ASSIGN_OR_RETURN(const std::unique_ptr<Record> record, Record::Start(checked));
  Display display({options.output});
  if (!record->hand().help().empty()) display.Say(record->hand().help());
  while (!record->done()) {
    if (process::SleepOrShutdown(absl::Milliseconds(50))) {
      record->Stop();
      return absl::CancelledError(absl::StrCat(
          "stopped; nothing was written",
          checked.bridge.empty() ? ""
                                 : "; what was recorded stays in table real, and the same command "
                                   "goes on from there"));
    }
    ESTUARY_RETURN_IF_ERROR(record->Poll());
    TrainingState state{.phase = absl::StrCat("transitions, ", record->doing())};
    state.done = std::min(record->rows(), options.transitions);
    state.total = options.transitions;
    display.Update(0, state);
  }
  display.Flush();
  Print(*record, options.output);
  if (!checked.bridge.empty()) {
    std::printf(
        "  the robot     is held by the fallback controller; `estuary robot disarm` lets "
        "it go\n");
  }
  return absl::OkStatus();
}

}  // namespace

Command RobotRecordCommand() {
  return {.name = "robot record",
          .arguments = "",
          .summary = "Record a dataset while somebody steers the robot",
          .details =
              "Hands the robot to an operator over its bridge until table real holds so many\n"
              "transitions, then writes them in D4RL's layout; /infos/source says who chose each\n"
              "action. Without --bridge and --replay it starts its own, with the emulated robot.",
          .prepare = [](Flags& flags) -> Command::Run {
            auto options = std::make_shared<Options>();
            flags.Add("output", &options->output, "FILE", "HDF5 for the dataset");
            flags.Add("overwrite", &options->overwrite, "replace a file that exists");
            flags.Add("transitions", &options->transitions, "N", "rows that table real shall hold");
            flags.Add("task", &options->task, "TASK", "the robot's");
            flags.Add("operator", &options->hand, "KIND",
                      "who steers: scripted (a person's model), keyboard, gamepad");
            flags.Add("device", &options->device, "PATH",
                      "of the gamepad (default: the first /dev/input/js*)");
            flags.Add("bridge", &options->bridge, "ADDR", "of a bridge that runs");
            flags.Add("replay", &options->replay, "ADDR,ADDR", "the shard map that it feeds");
            flags.Add("episode_seconds", &options->episode_seconds, "S", "longest episode");
            flags.Add("rearm", &options->rearm,
                      "arm a robot that fell or was stopped again without being asked to");
            flags.Add("seed", &options->seed, "N", "of the scripted operator and the start poses");
            return [options](const std::vector<std::string>&) { return RunRecord(*options); };
          }};
}

}  // namespace estuary::cli
