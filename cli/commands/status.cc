// estuary status: what a running cluster holds and does, and who waits on whom.
#include "common/process/status.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cli/commands/commands.h"
#include "cli/robot/operator_client.h"
#include "cli/status/learner_report.h"
#include "cli/status/replay_report.h"
#include "cli/status/robot_report.h"
#include "common/client/learner_client.h"
#include "common/client/replay_shards.h"
#include "common/process/security.h"
#include "common/process/shutdown.h"

namespace estuary::cli {
namespace {

constexpr absl::Duration kTimeout = absl::Seconds(5);

struct Options {
  std::string replay;
  std::string learner;
  std::string bridge;
  bool watch = false;
  uint64_t interval = 1;
};

// The first shard that did not answer.
absl::Status ErrorOf(const ReplayReading& reading) {
  for (size_t i = 0; i < reading.shards.size(); ++i) {
    if (reading.answers[i].ok()) continue;
    return process::Annotate(reading.answers[i].status(),
                             absl::StrCat("shard ", reading.shards[i]));
  }
  return absl::OkStatus();
}

absl::Status PrintLearner(const std::string& address) {
  client::LearnerClient client(address);
  const absl::StatusOr<v1::LearnerStatus> answer = client.Status(kTimeout);
  if (!answer.ok()) {
    return process::Annotate(answer.status(), absl::StrCat("the learner at ", address));
  }
  std::printf("\n%s", FormatLearner(*answer).c_str());
  return absl::OkStatus();
}

absl::Status PrintRobot(const std::string& address) {
  const absl::StatusOr<v1::RobotStatus> answer = OperatorClient(address).Status();
  if (!answer.ok()) {
    return process::Annotate(answer.status(), absl::StrCat("the bridge at ", address));
  }
  std::printf("\n%s", FormatRobot(*answer).c_str());
  return absl::OkStatus();
}

// Waits in glances; false where the process is to end.
bool Pause(absl::Duration duration) {
  const absl::Time until = absl::Now() + duration;
  while (absl::Now() < until && !process::ShutdownRequested()) {
    absl::SleepFor(std::min(absl::Milliseconds(50), until - absl::Now()));
  }
  return !process::ShutdownRequested();
}

absl::Status Status(const Options& options) {
  if (options.replay.empty() && options.learner.empty() && options.bridge.empty()) {
    return absl::InvalidArgumentError(
        "--replay=ADDR,ADDR, --learner=ADDR or --bridge=ADDR is needed, or several: whom to ask");
  }
  for (const std::string& address : {options.learner, options.bridge}) {
    if (!address.empty()) ESTUARY_RETURN_IF_ERROR(process::CheckPeerAddress(address));
  }
  if (options.interval == 0) {
    return absl::InvalidArgumentError("--interval is 0 s; rates need a time between two readings");
  }
  std::vector<std::string> shards;
  if (!options.replay.empty()) {
    ESTUARY_ASSIGN_OR_RETURN(shards, client::ParseShards(options.replay));
  }
  const absl::Duration interval = absl::Seconds(options.interval);
  std::optional<ReplayReading> before;
  if (!shards.empty()) before = ReadReplay(shards, kTimeout);
  // A page at a time on a terminal, one after the other elsewhere.
  const bool redraw = options.watch && isatty(STDOUT_FILENO) != 0;
  while (true) {
    if ((options.watch || before) && !Pause(interval)) return absl::OkStatus();
    absl::Status status;
    if (redraw) std::fputs("\x1b[H\x1b[2J", stdout);
    if (before) {
      ReplayReading now = ReadReplay(shards, kTimeout);
      std::fputs(FormatReplay(now, &*before).c_str(), stdout);
      status = ErrorOf(now);
      before = std::move(now);
    }
    if (!options.learner.empty()) status.Update(PrintLearner(options.learner));
    if (!options.bridge.empty()) status.Update(PrintRobot(options.bridge));
    std::fflush(stdout);
    if (!options.watch) return status;
    // Whoever watches wants to see it come back.
    if (!status.ok()) std::printf("%s\n", std::string(status.message()).c_str());
  }
}

}  // namespace

Command StatusCommand() {
  return {
      .name = "status",
      .arguments = "",
      .summary = "What a running cluster holds and does, and who waits on whom",
      .details =
          "Every table on every shard and in all, with rates over --interval, and who waits for\n"
          "whom; the learner's progress; the robot's state. `estuary train` prints the addresses\n"
          "of the cluster it starts.",
      .prepare = [](Flags& flags) -> Command::Run {
        auto options = std::make_shared<Options>();
        flags.Add("replay", &options->replay, "ADDR,ADDR", "the shard map");
        flags.Add("learner", &options->learner, "ADDR", "where the learner listens");
        flags.Add("bridge", &options->bridge, "ADDR", "where the robot's bridge listens");
        flags.Add("watch", &options->watch, "again and again, until it is stopped");
        flags.Add("interval", &options->interval, "SECONDS",
                  "between two readings, which give the rates");
        return [options](const std::vector<std::string>&) { return Status(*options); };
      }};
}

}  // namespace estuary::cli
