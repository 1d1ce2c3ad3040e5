// estuary robot fault ...: what shall go wrong with the emulated robot now.
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "cli/commands/commands.h"
#include "cli/progress/format.h"
#include "common/process/channel.h"
#include "common/process/status.h"
#include "estuary/v1/robot_fault.grpc.pb.h"

namespace estuary::cli {
namespace {

constexpr char kPrefix[] = "FAULT_KIND_";
constexpr absl::Duration kTimeout = absl::Seconds(5);

struct Options {
  std::string robot;
  double rate = 1;
  uint64_t count = 1;
  uint64_t milliseconds = 0;
};

std::string KindName(v1::FaultKind kind) {
  return absl::AsciiStrToLower(absl::StripPrefix(v1::FaultKind_Name(kind), kPrefix));
}

absl::StatusOr<v1::FaultKind> FindKind(const std::string& word) {
  v1::FaultKind kind = v1::FAULT_KIND_UNSPECIFIED;
  if (v1::FaultKind_Parse(absl::StrCat(kPrefix, absl::AsciiStrToUpper(word)), &kind) &&
      kind != v1::FAULT_KIND_UNSPECIFIED) {
    return kind;
  }
  std::string names;
  for (int i = 1; i < v1::FaultKind_ARRAYSIZE; ++i) {
    absl::StrAppend(&names, KindName(static_cast<v1::FaultKind>(i)), ", ");
  }
  return absl::InvalidArgumentError(
      absl::StrCat("unknown fault '", word, "'; there are ", names,
                   "none (which ends all) and show (which asks what is in force)"));
}

void Print(const v1::FaultReport& report) {
  if (report.in_force().empty()) std::printf("no fault is in force\n");
  for (const v1::Fault& fault : report.in_force()) {
    std::printf("%-10s rate %g", KindName(fault.kind()).c_str(), fault.rate());
    if (fault.milliseconds() > 0) std::printf(", %u ms", fault.milliseconds());
    if (fault.count() > 0) std::printf(", %s more", WithCommas(fault.count()).c_str());
    std::printf("\n");
  }
  for (const v1::FaultReport::Happened& happened : report.happened()) {
    std::printf("%-10s happened %s times\n", KindName(happened.kind()).c_str(),
                WithCommas(happened.count()).c_str());
  }
}

absl::Status RunFault(const Options& options, const std::string& word) {
  if (options.robot.empty()) {
    return absl::InvalidArgumentError(
        "--robot=ADDR is needed: what estuary-robot was given as --control");
  }
  if (options.milliseconds > 60'000) {
    return absl::InvalidArgumentError(
        absl::StrCat("--ms may be 60000 at most, got ", options.milliseconds));
  }
  const auto stub = v1::RobotFaults::NewStub(process::MakeChannel(options.robot));
  grpc::ClientContext context;
  process::SetDeadline(context, kTimeout);
  v1::FaultReport report;
  grpc::Status status;
  if (word == "show") {
    status = stub->Report(&context, v1::FaultReportRequest(), &report);
  } else {
    v1::InjectFaultsRequest request;
    request.set_clear(word == "none");
    if (word != "none") {
      ESTUARY_ASSIGN_OR_RETURN(const v1::FaultKind kind, FindKind(word));
      v1::Fault& fault = *request.add_faults();
      fault.set_kind(kind);
      fault.set_rate(options.rate);
      fault.set_count(options.count);
      fault.set_milliseconds(static_cast<uint32_t>(options.milliseconds));
    }
    status = stub->Inject(&context, request, &report);
  }
  if (!status.ok()) {
    return process::Annotate(process::FromGrpc(status),
                             absl::StrCat("the robot at ", options.robot));
  }
  Print(report);
  return absl::OkStatus();
}

}  // namespace

Command RobotFaultCommand() {
  return {
      .name = "robot fault",
      .arguments = "KIND",
      .summary = "Make the emulated robot fail: drop, corrupt, freeze, fall, ...",
      .details =
          "KIND is drop, delay, duplicate, reorder, corrupt (of the link, each way), nan, stuck "
          "(of the sensors), freeze (of the robot's computer) or fall; none ends all faults, "
          "show says what is in force. Without flags it happens once, at once.",
      .prepare = [](Flags& flags) -> Command::Run {
        auto options = std::make_shared<Options>();
        flags.Add("robot", &options->robot, "ADDR", "estuary-robot's --control");
        flags.Add("rate", &options->rate, "CHANCE",
                  "for each message, or each control period (freeze, stuck, fall)");
        flags.Add("count", &options->count, "N", "so often, then no more; 0: without end");
        flags.Add("ms", &options->milliseconds, "MS", "how long each lasts");
        return [options](const std::vector<std::string>& words) -> absl::Status {
          return RunFault(*options, words[0]);
        };
      }};
}

}  // namespace estuary::cli
