// estuary task replay: a recorded rollout's actions again, to compare a task with another
// simulator's.
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "cli/commands/commands.h"
#include "common/process/status.h"
#include "worlds/replay.h"

namespace estuary::cli {
namespace {

struct Options {
  std::string input;
  std::string output;
};

absl::Status Replay(const std::string& task, const Options& options) {
  if (options.input.empty() || options.output.empty()) {
    return absl::InvalidArgumentError(
        "--input=FILE and --output=FILE are needed: the recorded actions, and where to write");
  }
  ESTUARY_RETURN_IF_ERROR(worlds::ReplayTask(task, options.input, options.output));
  std::printf("%s: what %s does under the actions of %s\n", options.output.c_str(), task.c_str(),
              options.input.c_str());
  return absl::OkStatus();
}

}  // namespace

Command TaskReplayCommand() {
  return {.name = "task replay",
          .arguments = "TASK",
          .summary = "Step a task through recorded actions, to compare it with another simulator",
          .details =
              "Reads /qpos and /qvel (the state to start from) and /action [T, act]; writes\n"
              "/observation [T+1, obs], /reward [T] and /terminal [T]. Real dynamics.",
          .prepare = [](Flags& flags) -> Command::Run {
            auto options = std::make_shared<Options>();
            flags.Add("input", &options->input, "FILE", "HDF5 with qpos, qvel and action");
            flags.Add("output", &options->output, "FILE", "HDF5 to write");
            return [options](const std::vector<std::string>& arguments) {
              return Replay(arguments[0], *options);
            };
          }};
}

}  // namespace estuary::cli
