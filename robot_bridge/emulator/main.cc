#include "common/process/main.h"

#include <cmath>
#include <iostream>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "common/process/status.h"
#include "robot_bridge/emulator/runner.h"

ABSL_FLAG(std::string, bridge, "",
          "Address of the bridge: unix:/path or host:port (gRPC), udp:host:port, "
          "serial:/dev/ttyACM0@921600");
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
ABSL_FLAG(std::string, fault, "",
          "Faults from the start, KIND:RATE[:MILLISECONDS[:COUNT]],...: drop, delay, duplicate, "
          "reorder, corrupt and nan have a chance in each message, freeze, stuck and fall in each "
          "control period");
ABSL_FLAG(std::string, control, "",
          "Where `estuary robot fault` reaches it: unix:/path or host:port; empty: nowhere");
ABSL_FLAG(double, sensor_noise, 0,
          "Noise of the sensors: 1 is .002 rad, .02 rad/s, .001 m, .01 m/s");
ABSL_FLAG(double, imu_bias, 0, "What the measured pitch is off by, rad");
ABSL_FLAG(double, actuation_delay_ms, 0, "From a command's arrival to its effect on the motors");
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
  options.faults = absl::GetFlag(FLAGS_fault);
  options.control = absl::GetFlag(FLAGS_control);
  options.sensors.noise = absl::GetFlag(FLAGS_sensor_noise);
  options.sensors.imu_bias = absl::GetFlag(FLAGS_imu_bias);
  const double delay_ms = absl::GetFlag(FLAGS_actuation_delay_ms);
  if (!(options.sensors.noise >= 0 && options.sensors.noise <= 1000) ||
      !(std::abs(options.sensors.imu_bias) <= 1) || !(delay_ms >= 0 && delay_ms <= 1000)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--sensor_noise must be in [0, 1000], --imu_bias in [-1, 1], --actuation_delay_ms in "
        "[0, 1000], got ",
        options.sensors.noise, ", ", options.sensors.imu_bias, ", ", delay_ms));
  }
  options.emulator.actuation_delay_ns = std::llround(delay_ms * kMillisecond);
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
           "dynamics. Prints a line about each episode.",
       .part = "robot"},
      &estuary::bridge::Run);
}
