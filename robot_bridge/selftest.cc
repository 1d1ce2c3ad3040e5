#include "robot_bridge/selftest.h"

#include <stdlib.h>

#include <filesystem>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/process/shutdown.h"
#include "common/process/status.h"
#include "robot_bridge/client/connect.h"
#include "robot_bridge/client/frame_client.h"
#include "robot_bridge/drivers/serial/serial_wire.h"

namespace estuary::bridge {
namespace {

constexpr int64_t kToConnect = 5 * kSecond;

// Parts of the answers that must come in time: one late command in a thousand is held over by the
// robot, one in a hundred shakes it.
constexpr double kFit = 0.999;
constexpr double kBarely = 0.99;

}  // namespace

bool SelfTestReport::Fit() const {
  return observations > 0 &&
         static_cast<double>(in_time) >= kFit * static_cast<double>(observations);
}

std::string SelfTestReport::Words() const {
  const auto line = [](const char* what, const Histogram::Counts& counts, double max) {
    return absl::StrFormat("%s: p50 %.0f us, p99 %.0f us, p99.9 %.0f us, max %.0f us\n", what,
                           Histogram::QuantileUs(counts, .5), Histogram::QuantileUs(counts, .99),
                           Histogram::QuantileUs(counts, .999), max);
  };
  std::string words = line("wake-up lateness", lateness, lateness_max_us);
  words += line("observation to command", round_trip, round_trip_max_us);
  absl::StrAppendFormat(&words, "%d observations in %.0f s, %d answered, %d within %.1f ms\n",
                        observations, seconds, answered, in_time, 1e-3 * period_us);
  const char* priority = realtime ? "" : "; real-time priority was refused, see the warnings above";
  if (Fit()) {
    absl::StrAppend(&words, "verdict: fit to drive a robot", priority);
  } else if (static_cast<double>(in_time) >= kBarely * static_cast<double>(observations)) {
    absl::StrAppend(&words, "verdict: barely fit: now and then a command comes a period late",
                    priority);
  } else {
    absl::StrAppend(&words,
                    "verdict: not fit: too many commands come late; look for other load on this "
                    "machine",
                    priority);
  }
  return words;
}

absl::StatusOr<SelfTestReport> RunSelfTest(const BridgeOptions& options, double seconds) {
  char folder[] = "/tmp/estuary-selftest-XXXXXX";
  if (mkdtemp(folder) == nullptr) {
    return process::ErrnoStatus(errno, absl::StrCat("cannot make '", folder, "'"));
  }
  const absl::Cleanup remove = [&folder] {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  };
  const RobotIdentity identity = options.task.Identity(options.robot);
  BridgeOptions bridge_options = options;
  bridge_options.listen = {absl::StrCat("unix:", folder, "/bridge.sock")};
  bridge_options.replay.clear();
  bridge_options.learner.clear();
  bridge_options.flight_dir.clear();
  bridge_options.driver.udp_listen = "127.0.0.1:0";
  // A serial line is tested on a pseudo-terminal: everything but the cable.
  const bool serial = bridge_options.driver.kind == "serial";
  std::string error;
  std::unique_ptr<Wire> near_end;
  if (serial) {
    const int fd = OpenPseudoTerminal(bridge_options.driver.serial_device, error);
    if (fd < 0) return absl::UnavailableError(error);
    near_end = AdoptSerial(fd);
  }
  process::Metrics metrics;
  ESTUARY_ASSIGN_OR_RETURN(const std::unique_ptr<Bridge> bridge,
                           Bridge::Start(bridge_options, &metrics));
  // This thread has the priority of gRPC's now (bridge.h), as a robot's would.
  std::unique_ptr<RobotLink> client;
  if (serial) {
    client = std::make_unique<FrameClient>(
        FrameClient::Options{.identity = identity, .realtime = {.priority = 0}, .word = nullptr},
        std::move(near_end));
  } else {
    ConnectOptions connect;
    connect.realtime = {.priority = 0};
    client = ConnectRobot(bridge->robot_address(), identity, connect, error);
  }
  if (client == nullptr) return absl::UnavailableError(error);
  for (const int64_t end = Now() + kToConnect; !client->connected();) {
    if (const std::string refused = client->refused(); !refused.empty()) {
      return absl::FailedPreconditionError(refused);
    }
    if (Now() > end) return absl::DeadlineExceededError("the bridge does not answer itself");
    SleepUntil(Now() + 10 * kMillisecond);
  }

  const int64_t period = options.task.loop.period_ns;
  SelfTestReport report;
  report.seconds = seconds;
  report.period_us = 1e-3 * static_cast<double>(period);
  Histogram lateness;
  Histogram round_trip;
  Observation observation;
  observation.observation_dim = options.task.loop.task.observation_dim;
  ReceivedCommand command;
  const auto listen = [&] {
    while (client->NextCommand(command)) {
      // The observation carried the time it was made at in its number.
      const int64_t made = static_cast<int64_t>(command.command.observation_sequence);
      const int64_t took = command.arrival_ns - made;
      round_trip.Record(took);
      ++report.answered;
      if (took <= period) ++report.in_time;
    }
  };
  int64_t deadline = Now();
  const auto total = static_cast<uint64_t>(seconds * 1e9 / static_cast<double>(period));
  while (report.observations < total && !process::ShutdownRequested()) {
    deadline += period;
    SleepUntil(deadline);
    const int64_t now = Now();
    lateness.Record(now - deadline);
    observation.sequence = static_cast<uint64_t>(now);
    client->SendObservation(observation);
    ++report.observations;
    listen();
  }
  SleepUntil(Now() + 100 * kMillisecond);
  listen();
  report.lateness = lateness.Read();
  report.lateness_max_us = static_cast<double>(lateness.MaxUs());
  report.round_trip = round_trip.Read();
  report.round_trip_max_us = static_cast<double>(round_trip.MaxUs());
  report.realtime = bridge->realtime();
  client->Stop();
  bridge->Stop();
  return report;
}

}  // namespace estuary::bridge
