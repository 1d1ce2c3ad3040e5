// estuary robot begin: nobody stands at an emulated robot to arm it.
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cli/commands/commands.h"
#include "cli/robot/operator_client.h"
#include "common/process/security.h"
#include "common/process/shutdown.h"
#include "common/process/status.h"

namespace estuary::cli {
namespace {

constexpr absl::Duration kGlance = absl::Milliseconds(200);
constexpr absl::Duration kWord = absl::Seconds(5);

struct Options {
  std::string bridge;
  uint64_t patience = 600;
};

// What is still missing; empty where nothing is.
std::string Missing(const absl::StatusOr<v1::RobotStatus>& answer) {
  if (!answer.ok()) return std::string(answer.status().message());
  if (!answer->robot_connected()) return "the robot is not connected";
  if (answer->policy_version() == 0) return "no policy has come yet";
  return "";
}

// Arms and hands over; what the bridge refuses is told, and tried again by the caller.
absl::StatusOr<v1::RobotStatus> HandOver(OperatorClient& bridge) {
  ESTUARY_RETURN_IF_ERROR(bridge.Arm().status());
  return bridge.SetMode(v1::ROBOT_STATE_POLICY);
}

absl::Status Begin(const Options& options) {
  if (options.bridge.empty()) {
    return absl::InvalidArgumentError("--bridge=ADDR is needed: where the bridge listens");
  }
  ESTUARY_RETURN_IF_ERROR(process::CheckPeerAddress(options.bridge));
  OperatorClient bridge(options.bridge);
  const absl::Time end = absl::Now() + absl::Seconds(options.patience);
  absl::Time next_word = absl::Now() + kWord;
  while (true) {
    std::string missing = Missing(bridge.Status());
    if (missing.empty()) {
      const absl::StatusOr<v1::RobotStatus> begun = HandOver(bridge);
      if (begun.ok()) {
        std::printf("%s is armed, and policy version %llu drives it\n", begun->robot().c_str(),
                    static_cast<unsigned long long>(begun->policy_version()));
        return absl::OkStatus();
      }
      missing = std::string(begun.status().message());
    }
    if (absl::Now() >= end) {
      return absl::DeadlineExceededError(
          absl::StrCat("after ", options.patience, " s the robot is not driven: ", missing));
    }
    if (absl::Now() >= next_word) {
      std::printf("waiting: %s\n", missing.c_str());
      std::fflush(stdout);
      next_word = absl::Now() + kWord;
    }
    if (process::SleepOrShutdown(kGlance)) {
      return absl::CancelledError(absl::StrCat("stopped while waiting: ", missing));
    }
  }
}

}  // namespace

Command RobotBeginCommand() {
  return {.name = "robot begin",
          .arguments = "",
          .summary = "Wait for an emulated robot and a policy, arm, and let the policy drive",
          .details =
              "For robots that nobody can be hurt by: it arms without anybody looking. A physical\n"
              "robot's operator says `robot arm` and `robot mode policy` beside it.",
          .prepare = [](Flags& flags) -> Command::Run {
            auto options = std::make_shared<Options>();
            flags.Add("bridge", &options->bridge, "ADDR", "where the bridge listens");
            flags.Add("patience", &options->patience, "SECONDS", "how long it waits");
            return [options](const std::vector<std::string>&) { return Begin(*options); };
          }};
}

}  // namespace estuary::cli
