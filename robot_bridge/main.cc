#include "common/process/main.h"

#include <iostream>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/client/replay_shards.h"
#include "common/process/metrics_server.h"
#include "common/process/process_context.h"
#include "common/process/security.h"
#include "common/process/service_manager.h"
#include "common/process/shutdown.h"
#include "common/process/status.h"
#include "robot_bridge/bridge.h"
#include "robot_bridge/bridge_metric_families.h"
#include "robot_bridge/config.h"
#include "robot_bridge/selftest.h"

ABSL_FLAG(std::string, listen, "127.0.0.1:5201",
          "Where the robot and its operators connect, a list: unix:/path, host:port");
ABSL_FLAG(std::string, driver, "grpc",
          "How the robot connects: grpc (at --listen), udp or serial (docs/drivers)");
ABSL_FLAG(std::string, udp_listen, "127.0.0.1:5202", "Where a robot over udp connects, host:port");
ABSL_FLAG(std::string, serial, "", "The serial line of a robot over serial: /dev/ttyACM0");
ABSL_FLAG(int, baud, 0, "The line's speed; 0: the least that does for the robot");
ABSL_FLAG(std::string, robot, "robot", "The robot's name; names its data for ever");
ABSL_FLAG(std::string, task, "wheel_legged_stand", "The robot's task");
ABSL_FLAG(std::string, config, "",
          "Text-format file of the robot's fallback gains, limits and timing (message "
          "estuary.v1.BridgeConfig); empty: the task's defaults");
ABSL_FLAG(std::string, policy_file, "", "A policy to drive with (final_policy.pb)");
ABSL_FLAG(std::string, learner, "", "Address of a learner to get policies from");
ABSL_FLAG(std::string, replay, "", "The replay's shards, in their order; empty: drives only");
ABSL_FLAG(std::string, table, "real", "The replay's table for real transitions");
ABSL_FLAG(std::string, spool_dir, "",
          "Where transitions wait for the replay; needed with --replay");
ABSL_FLAG(uint64_t, spool_limit_mb, 1024, "Room of the spool");
ABSL_FLAG(std::string, flight_dir, "",
          "Where the last five seconds before a fault are written as CSV; empty: nowhere");
ABSL_FLAG(std::string, metrics, "", "Where /metrics is served, 127.0.0.1:9105; empty: nowhere");
ABSL_FLAG(bool, require_realtime, false, "Refuse to start without everything real-time");
ABSL_FLAG(int, realtime_priority, 80, "SCHED_FIFO priority of the loop; 0: none");
ABSL_FLAG(int, cpu, -1, "Core of the loop; -1: any");
ABSL_FLAG(bool, shadow, false, "Compute and record the policy's actions, but let the fallback act");
ABSL_FLAG(bool, selftest, false,
          "Measure for ten seconds whether this machine can drive a robot, say so, and end");

namespace estuary::bridge {
namespace {

constexpr double kSelfTestSeconds = 10;

absl::StatusOr<BridgeOptions> ReadFlags() {
  BridgeOptions options;
  options.robot = absl::GetFlag(FLAGS_robot);
  if (options.robot.empty() || options.robot.find('/') != std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("--robot must be a name without '/', got '", options.robot, "'"));
  }
  ESTUARY_ASSIGN_OR_RETURN(options.task, FindRobotTask(absl::GetFlag(FLAGS_task)));
  if (const std::string config = absl::GetFlag(FLAGS_config); !config.empty()) {
    ESTUARY_RETURN_IF_ERROR(ApplyConfigFile(config, options.task));
  }
  options.task.loop.shadow = absl::GetFlag(FLAGS_shadow);
  options.driver.kind = absl::GetFlag(FLAGS_driver);
  options.driver.udp_listen = absl::GetFlag(FLAGS_udp_listen);
  options.driver.serial_device = absl::GetFlag(FLAGS_serial);
  options.driver.serial_baud = absl::GetFlag(FLAGS_baud);
  options.listen = absl::StrSplit(absl::GetFlag(FLAGS_listen), ',', absl::SkipEmpty());
  options.policy_file = absl::GetFlag(FLAGS_policy_file);
  options.learner = absl::GetFlag(FLAGS_learner);
  if (!options.learner.empty()) {
    ESTUARY_RETURN_IF_ERROR(process::CheckPeerAddress(options.learner));
  }
  if (!options.policy_file.empty() && !options.learner.empty()) {
    return absl::InvalidArgumentError("give --policy_file or --learner, not both");
  }
  if (const std::string replay = absl::GetFlag(FLAGS_replay); !replay.empty()) {
    ESTUARY_ASSIGN_OR_RETURN(options.replay, client::ParseShards(replay));
    options.spool.directory = absl::GetFlag(FLAGS_spool_dir);
    if (options.spool.directory.empty()) {
      return absl::InvalidArgumentError(
          "--replay needs --spool_dir, a folder that survives restarts: transitions wait there "
          "until the replay has them");
    }
  }
  options.table = absl::GetFlag(FLAGS_table);
  const uint64_t limit_mb = absl::GetFlag(FLAGS_spool_limit_mb);
  if (limit_mb < 1 || limit_mb > (1 << 20)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--spool_limit_mb must be from 1 to ", 1 << 20, ", got ", limit_mb));
  }
  options.spool.limit_bytes = limit_mb << 20;
  options.flight_dir = absl::GetFlag(FLAGS_flight_dir);
  options.require_realtime = absl::GetFlag(FLAGS_require_realtime);
  options.realtime.priority = absl::GetFlag(FLAGS_realtime_priority);
  options.realtime.cpu = absl::GetFlag(FLAGS_cpu);
  if (options.realtime.priority < 0 || options.realtime.priority > 99) {
    return absl::InvalidArgumentError(
        absl::StrCat("--realtime_priority must be from 0 to 99, got ", options.realtime.priority));
  }
  return options;
}

// Says that the process is alive as long as its loop is.
void WaitForEnd(const Bridge& bridge) {
  process::TellServiceManager("READY=1");
  const absl::Duration interval = process::WatchdogInterval();
  uint64_t turns = 0;
  while (!process::SleepOrShutdown(interval)) {
    if (bridge.turns() != std::exchange(turns, bridge.turns())) {
      process::TellServiceManager("WATCHDOG=1");
    }
  }
  process::TellServiceManager("STOPPING=1");
}

absl::Status Run(const std::vector<std::string>&) {
  ESTUARY_ASSIGN_OR_RETURN(const BridgeOptions options, ReadFlags());
  if (absl::GetFlag(FLAGS_selftest)) {
    ESTUARY_ASSIGN_OR_RETURN(const SelfTestReport report, RunSelfTest(options, kSelfTestSeconds));
    std::cout << report.Words() << std::endl;
    return report.Fit() ? absl::OkStatus()
                        : absl::FailedPreconditionError("this machine is not fit to drive a robot");
  }
  process::SetName(options.robot);
  process::SetTask(options.task.name);
  process::Metrics metrics;
  ESTUARY_ASSIGN_OR_RETURN(const auto metrics_server,
                           process::MetricsServer::Start(absl::GetFlag(FLAGS_metrics), metrics));
  ESTUARY_ASSIGN_OR_RETURN(const std::unique_ptr<Bridge> bridge, Bridge::Start(options, &metrics));
  WaitForEnd(*bridge);
  bridge->Stop();
  return absl::OkStatus();
}

}  // namespace
}  // namespace estuary::bridge

int main(int argc, char** argv) {
  return estuary::process::Main(
      argc, argv,
      {.name = "estuary-bridge",
       .about =
           "Drives one robot at 200 Hz: takes its observations over its driver, acts by a "
           "policy, an operator or the fallback controller within limits, and sends every real "
           "transition to the replay. The motors stay off until an operator arms it "
           "(estuary robot arm).",
       .part = "bridge",
       .metrics = estuary::bridge::kBridgeMetricFamilies},
      &estuary::bridge::Run);
}
