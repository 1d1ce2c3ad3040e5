// estuary robot ...: the words of a person at the robot. Arming is a word of its own, so that
// nothing else ever sets motors free.
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/commands/commands.h"
#include "cli/robot/operator_client.h"
#include "cli/status/robot_report.h"
#include "common/process/security.h"
#include "common/process/status.h"

namespace estuary::cli {
namespace {

using Answer = absl::StatusOr<v1::RobotStatus>;

struct Options {
  std::string bridge;
  std::string reason = "estuary robot estop";
};

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
          std::fputs(FormatRobot(status).c_str(), stdout);
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
