// estuary drive: a policy drives the emulated robot over the bridge.
#include "cli/drive/drive.h"

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/commands/commands.h"
#include "cli/evaluation/evaluate.h"
#include "cli/progress/display.h"
#include "cli/progress/format.h"
#include "common/process/shutdown.h"
#include "common/process/status.h"

namespace estuary::cli {
namespace {

struct Options {
  std::string task;
  double seconds = 30;
  uint64_t seed = 1;
  std::string output;
};

void Print(const DriveData& d) {
  std::printf("drove for %.2f s of %g s: %s\n", d.seconds, d.seconds_asked,
              DriveEndName(d.end).c_str());
  std::printf("  max |x|       %.3f m, %.3f m at the end\n", d.max_abs_x, d.final_x);
  std::printf("  return        %.0f\n", d.episode_return);
  std::printf("  lateness      p50 %.0f us, p99 %.0f us, max %.0f us\n", d.lateness_p50_us,
              d.lateness_p99_us, d.lateness_max_us);
  std::printf("  ticks         %s, %s missed\n", WithCommas(d.ticks).c_str(),
              WithCommas(d.missed_ticks).c_str());
  std::printf("  transitions   %s recorded, %s of them held by the fallback controller\n",
              WithCommas(d.transitions).c_str(), WithCommas(d.fallback_transitions).c_str());
}

absl::Status RunDrive(const std::string& path, const Options& options) {
  if (!(options.seconds > 0 && options.seconds <= 86400)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--seconds is ", options.seconds, "; it may be above 0, up to 86400"));
  }
  ESTUARY_ASSIGN_OR_RETURN(const auto policy, LoadPolicy(path));
  ESTUARY_ASSIGN_OR_RETURN(const worlds::TaskSpec task, TaskOf(*policy, options.task));
  ESTUARY_ASSIGN_OR_RETURN(const std::unique_ptr<Drive> drive,
                           Drive::Start({.policy = std::filesystem::absolute(path).string(),
                                         .task = task,
                                         .seconds = options.seconds,
                                         .seed = options.seed,
                                         .output = options.output}));
  Display display({path});
  while (!drive->done()) {
    if (process::SleepOrShutdown(absl::Milliseconds(100))) {
      drive->Stop();
      return absl::CancelledError("stopped; nothing was written");
    }
    ESTUARY_RETURN_IF_ERROR(drive->Poll());
    TrainingState state{
        .phase = absl::StrCat("seconds, bridge in state ", StateName(drive->status().state()))};
    state.done = static_cast<uint64_t>(drive->seconds());
    state.total = static_cast<uint64_t>(std::ceil(options.seconds));
    display.Update(0, state);
  }
  display.Flush();
  Print(drive->data());
  if (!options.output.empty()) std::printf("  written to    %s\n", options.output.c_str());
  return absl::OkStatus();
}

}  // namespace

Command DriveCommand() {
  return {
      .name = "drive",
      .arguments = "POLICY",
      .summary = "Let a policy drive the emulated robot at 200 Hz over the bridge",
      .details =
          "Starts a replay shard, the bridge and the emulated robot, arms it, hands it to the\n"
          "policy, and says how long it lasted. A fall, leaving the area, or a take-over by the\n"
          "fallback controller ends the drive.",
      .prepare = [](Flags& flags) -> Command::Run {
        auto options = std::make_shared<Options>();
        flags.Add("task", &options->task, "TASK", "(default: the policy's own)");
        flags.Add("seconds", &options->seconds, "S", "how long");
        flags.Add("seed", &options->seed, "N", "of the pose in which the robot is let go");
        flags.Add("output", &options->output, "FILE", "HDF5 for the driven transitions");
        return [options](const std::vector<std::string>& arguments) {
          return RunDrive(arguments[0], *options);
        };
      }};
}

}  // namespace estuary::cli
