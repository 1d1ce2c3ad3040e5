// estuary robot ...: the words of a person at the robot. Arming is a word of its own, so that
// nothing else ever sets motors free.
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "cli/commands/commands.h"
#include "cli/progress/format.h"
#include "cli/robot/operator_client.h"
#include "common/process/security.h"
#include "common/process/status.h"

namespace estuary::cli {
namespace {

using Answer = absl::StatusOr<v1::RobotStatus>;

struct Options {
  std::string bridge;
  std::string reason = "estuary robot estop";
};

void Print(const v1::RobotStatus& s) {
  std::printf("%s is %s%s%s\n", s.robot().empty() ? "the robot" : s.robot().c_str(),
              StateName(s.state()).c_str(), s.reason().empty() ? "" : ": ", s.reason().c_str());
  std::printf("  connected        %s\n", s.robot_connected() ? "yes" : "no");
  std::printf("  policy version   %s\n", WithCommas(s.policy_version()).c_str());
  std::printf("  ticks            %s, %s missed\n", WithCommas(s.ticks()).c_str(),
              WithCommas(s.missed_ticks()).c_str());
  std::printf("  lateness         p50 %.0f us, p99 %.0f us, max %.0f us\n", s.lateness_p50_us(),
              s.lateness_p99_us(), s.lateness_max_us());
  std::printf("  action latency   p50 %.0f us, p99 %.0f us\n", s.action_latency_p50_us(),
              s.action_latency_p99_us());
  std::printf("  transitions      %s recorded, %s acknowledged\n",
              WithCommas(s.transitions_recorded()).c_str(),
              WithCommas(s.transitions_acknowledged()).c_str());
  std::printf("  chosen by        policy %s, operator %s, fallback %s\n",
              WithCommas(s.policy_transitions()).c_str(),
              WithCommas(s.operator_transitions()).c_str(),
              WithCommas(s.fallback_transitions()).c_str());
  if (s.spool_seconds_left() > 0) {
    std::printf("  spool            %s waiting, %.1f %% full, room for %s of driving\n",
                WithCommas(s.spool_rows_waiting()).c_str(), 100 * s.spool_used(),
                Clock(absl::Seconds(s.spool_seconds_left())).c_str());
  }
  if (s.transitions_lost() > 0) {
    std::printf("  lost             %s transitions that could not be kept\n",
                WithCommas(s.transitions_lost()).c_str());
  }
  if (!s.operator_().empty() || s.operator_actions_stale() > 0) {
    std::printf("  operator         %s, %s stale actions\n",
                s.operator_().empty() ? "nobody" : s.operator_().c_str(),
                WithCommas(s.operator_actions_stale()).c_str());
  }
  if (!s.policy_refusal().empty()) {
    std::printf("  policies         %s refused; the last: %s\n",
                WithCommas(s.policies_refused()).c_str(), s.policy_refusal().c_str());
  }
  std::printf("  trouble          %s observation gaps, %s limited actions\n",
              WithCommas(s.observation_gaps()).c_str(), WithCommas(s.limited_actions()).c_str());
  std::printf("  episode          %.1f s, return %s\n", s.episode_seconds(),
              Short(s.episode_return()).c_str());
  for (const v1::StateChange& change : s.changes()) {
    std::printf("  %8.1f s ago   %s -> %s: %s (%s)\n", change.seconds_ago(),
                StateName(change.from()).c_str(), StateName(change.to()).c_str(),
                change.reason().c_str(), change.reason_code().c_str());
  }
  if (s.observation_size() > 0) {
    std::printf("  observation      %s\n",
                absl::StrJoin(s.observation(), ", ", [](std::string* out, float value) {
                  absl::StrAppendFormat(out, "%.3f", value);
                }).c_str());
  }
}

// A command that asks the bridge one thing and prints what it answers.
Command Make(
    const std::string& verb, const std::string& arguments, const std::string& summary,
    const std::string& details,
    std::function<Answer(OperatorClient&, const Options&, const std::vector<std::string>&)> ask) {
  return {
      .name = "robot " + verb,
      .arguments = arguments,
      .summary = summary,
      .details = details,
      .prepare = [verb, ask = std::move(ask)](Flags& flags) -> Command::Run {
        auto options = std::make_shared<Options>();
        flags.Add("bridge", &options->bridge, "ADDR", "where the bridge listens");
        if (verb == "estop") {
          flags.Add("reason", &options->reason, "TEXT", "what the log shall say");
        }
        return [options, ask](const std::vector<std::string>& words) -> absl::Status {
          if (options->bridge.empty()) {
            return absl::InvalidArgumentError("--bridge=ADDR is needed: where the bridge listens");
          }
          ESTUARY_RETURN_IF_ERROR(process::CheckPeerAddress(options->bridge));
          OperatorClient client(options->bridge);
          ESTUARY_ASSIGN_OR_RETURN(const v1::RobotStatus status, ask(client, *options, words));
          Print(status);
          return absl::OkStatus();
        };
      }};
}

}  // namespace

Command RobotStatusCommand() {
  return Make("status", "", "The robot's state, timing and recording", "",
              [](OperatorClient& client, const Options&, const std::vector<std::string>&) {
                return client.Status();
              });
}

Command RobotArmCommand() {
  return Make("arm", "", "Let the motors turn; the fallback controller holds the robot", "",
              [](OperatorClient& client, const Options&, const std::vector<std::string>&) {
                return client.Arm();
              });
}

Command RobotDisarmCommand() {
  return Make("disarm", "", "Motors off", "",
              [](OperatorClient& client, const Options&, const std::vector<std::string>&) {
                return client.Disarm();
              });
}

Command RobotEstopCommand() {
  return Make("estop", "", "Emergency stop: motors off until the robot is armed again", "",
              [](OperatorClient& client, const Options& options, const std::vector<std::string>&) {
                return client.EmergencyStop(options.reason);
              });
}

Command RobotModeCommand() {
  return Make(
      "mode", "MODE", "Who drives an armed robot: policy, operator or fallback", "",
      [](OperatorClient& client, const Options&, const std::vector<std::string>& words) -> Answer {
        for (const v1::RobotState mode :
             {v1::ROBOT_STATE_POLICY, v1::ROBOT_STATE_OPERATOR, v1::ROBOT_STATE_FALLBACK}) {
          if (words[0] == StateName(mode)) return client.SetMode(mode);
        }
        return absl::InvalidArgumentError(
            absl::StrCat("unknown mode '", words[0], "'; there are policy, operator, fallback"));
      });
}

}  // namespace estuary::cli
