#include "robot_bridge/drivers/drivers.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/process/log.h"
#include "common/process/security.h"
#include "robot_bridge/drivers/frame/estuary_frame.h"
#include "robot_bridge/drivers/frame/frame_driver.h"
#include "robot_bridge/drivers/grpc/grpc_driver.h"
#include "robot_bridge/drivers/serial/serial_wire.h"
#include "robot_bridge/drivers/udp/udp_wire.h"

namespace estuary::bridge {
namespace {

absl::Status CheckNames(const RobotIdentity& identity) {
  for (const std::string& name : {identity.robot, identity.task}) {
    if (name.size() > ESTUARY_FRAME_NAME) {
      return absl::InvalidArgumentError(absl::StrCat("over udp and serial a name has at most ",
                                                     ESTUARY_FRAME_NAME, " characters, got '", name,
                                                     "'"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Driver>> MakeUdp(const DriverOptions& options,
                                                FrameDriverOptions frame, Wakeup* wakeup) {
  if (!process::ProcessSecurity().insecure && !IsLoopbackUdp(options.udp_listen)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--udp_listen=", options.udp_listen,
        " can be reached by other machines, and frames are neither encrypted nor signed; keep the "
        "robot on a network of its own and say --insecure, or listen at 127.0.0.1"));
  }
  std::string error;
  std::unique_ptr<Wire> wire = ListenUdp(options.udp_listen, frame.address, error);
  if (wire == nullptr) return absl::UnavailableError(error);
  spdlog::info("robots speak frames at udp:{}", frame.address);
  frame.kind = "udp";
  frame.address = absl::StrCat("udp:", frame.address);
  return std::make_unique<FrameDriver>(frame, std::move(wire), wakeup);
}

absl::StatusOr<std::unique_ptr<Driver>> MakeSerial(const DriverOptions& options,
                                                   FrameDriverOptions frame, Wakeup* wakeup) {
  if (options.serial_device.empty()) {
    return absl::InvalidArgumentError(
        "--driver=serial needs --serial, the line that the robot is at, such as /dev/ttyACM0");
  }
  const RobotIdentity& robot = frame.expected;
  const int needed = BaudFor(robot.observation_dim, robot.action_dim, robot.control_period_us);
  const int baud = options.serial_baud == 0 ? needed : options.serial_baud;
  std::string error;
  std::unique_ptr<Wire> wire = OpenSerial(
      options.serial_device, baud, [](const std::string& what) { spdlog::warn("{}", what); },
      error);
  if (wire == nullptr) return absl::UnavailableError(error);
  if (baud < needed) {
    spdlog::warn("{} baud are few: a frame takes over half of a control period; {} do", baud,
                 needed);
  }
  spdlog::info("the robot speaks frames at '{}', {} baud", options.serial_device, baud);
  frame.kind = "serial";
  return std::make_unique<FrameDriver>(frame, std::move(wire), wakeup);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Driver>> MakeDriver(const DriverOptions& options,
                                                   const RobotIdentity& expected, Wakeup* wakeup,
                                                   const RealtimeOptions& realtime) {
  if (options.kind == "grpc") return std::make_unique<GrpcDriver>(expected, wakeup, realtime);
  FrameDriverOptions frame;
  frame.expected = expected;
  frame.realtime = realtime;
  if (options.kind != "udp" && options.kind != "serial") {
    return absl::InvalidArgumentError(
        absl::StrCat("there is no driver '", options.kind, "'; there are grpc, udp, serial"));
  }
  if (const absl::Status status = CheckNames(expected); !status.ok()) return status;
  return options.kind == "udp" ? MakeUdp(options, std::move(frame), wakeup)
                               : MakeSerial(options, std::move(frame), wakeup);
}

}  // namespace estuary::bridge
