#include "common/process/main.h"

#include <cmath>
#include <iostream>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "common/process/status.h"
#include "robot_bridge/emulator/runner.h"

ABSL_FLAG(std::string, bridge, "", "Address of the bridge: unix:/path or host:port");
ABSL_FLAG(std::string, task, "wheel_legged_stand", "wheel_legged_stand or wheel_legged_move");
ABSL_FLAG(std::string, robot, "robot", "The robot's name, as the bridge knows it");
ABSL_FLAG(uint64_t, seed, 1, "Seed of the start poses");
ABSL_FLAG(double, seconds, 30, "Longest time of an episode");
ABSL_FLAG(int64_t, episodes, 1, "Episodes to drive before it ends");
ABSL_FLAG(bool, stop_at_fall, false, "End with the first episode that is not over by time");
ABSL_FLAG(bool, limit_area, true, "Leaving the task's area ends an episode");
ABSL_FLAG(std::string, release, "evaluation",
          "Where the robot is let go: 'evaluation' (near its balance) or 'operator' (as recorded "
          "data begin)");
ABSL_FLAG(int, realtime_priority, 70, "SCHED_FIFO priority, where it may have one; 0: none");

namespace estuary::bridge {
namespace {

absl::Status Run(const std::vector<std::string>&) {
  RunnerOptions options;
  options.bridge = absl::GetFlag(FLAGS_bridge);
  options.robot = absl::GetFlag(FLAGS_robot);
  options.task = absl::GetFlag(FLAGS_task);
  options.episodes = absl::GetFlag(FLAGS_episodes);
  options.stop_at_fall = absl::GetFlag(FLAGS_stop_at_fall);
  options.emulator.seed = absl::GetFlag(FLAGS_seed);
  options.emulator.area_limited = absl::GetFlag(FLAGS_limit_area);
  options.realtime.priority = absl::GetFlag(FLAGS_realtime_priority);
  options.realtime.lock_memory = false;
  const double seconds = absl::GetFlag(FLAGS_seconds);
  if (options.bridge.empty()) {
    return absl::InvalidArgumentError("--bridge is missing: the address of an estuary-bridge");
  }
  if (!(seconds > 0 && seconds <= 1e6) || options.episodes < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("--seconds must be in (0, 1e6] and --episodes at least 1, got ", seconds,
                     " and ", options.episodes));
  }
  if (options.realtime.priority < 0 || options.realtime.priority > 99) {
    return absl::InvalidArgumentError(
        absl::StrCat("--realtime_priority must be from 0 to 99, got ", options.realtime.priority));
  }
  options.emulator.episode_periods = std::llround(seconds * 1e9 / Emulator::kPeriodNs);
  const std::string release = absl::GetFlag(FLAGS_release);
  if (release == "operator") {
    options.emulator.release = Release::kOperator;
  } else if (release != "evaluation") {
    return absl::InvalidArgumentError(
        absl::StrCat("--release is 'evaluation' or 'operator', got '", release, "'"));
  }
  return RunRobot(options, [](const std::string& line) { std::cout << line << std::endl; });
}

}  // namespace
}  // namespace estuary::bridge

int main(int argc, char** argv) {
  return estuary::process::Main(
      argc, argv,
      {.name = "estuary-robot",
       .about =
           "Plays the physical wheel-legged robot in real time: connects to an estuary-bridge, "
           "sends an observation every 5 ms and does what the commands say, by the robot's real "
           "dynamics. Prints a line about each episode."},
      &estuary::bridge::Run);
}
