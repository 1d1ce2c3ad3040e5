#include <cstdlib>
#include <utility>

#include "robot_bridge/client/connect.h"
#include "robot_bridge/client/frame_client.h"
#include "robot_bridge/drivers/frame/estuary_frame.h"
#include "robot_bridge/drivers/serial/serial_wire.h"
#include "robot_bridge/drivers/udp/udp_wire.h"

namespace estuary::bridge {
namespace {

constexpr char kUdp[] = "udp:";
constexpr char kSerial[] = "serial:";

bool Begins(const std::string& text, const std::string& with) {
  return text.compare(0, with.size(), with) == 0;
}

}  // namespace

std::unique_ptr<RobotLink> ConnectFrames(const std::string& address, const RobotIdentity& identity,
                                         const ConnectOptions& options, std::string& error) {
  if (identity.robot.size() > ESTUARY_FRAME_NAME || identity.task.size() > ESTUARY_FRAME_NAME) {
    error = "names in frames have at most " + std::to_string(ESTUARY_FRAME_NAME) +
            " characters, got '" + identity.robot + "' and '" + identity.task + "'";
    return nullptr;
  }
  std::unique_ptr<Wire> wire;
  if (Begins(address, kUdp)) {
    wire = ConnectUdp(address.substr(sizeof(kUdp) - 1), error);
  } else if (Begins(address, kSerial)) {
    std::string device = address.substr(sizeof(kSerial) - 1);
    int baud = BaudFor(identity.observation_dim, identity.action_dim, identity.control_period_us);
    if (const size_t at = device.rfind('@'); at != std::string::npos) {
      baud = std::atoi(device.c_str() + at + 1);
      device.resize(at);
    }
    wire = OpenSerial(device, baud, options.word, error);
  } else {
    error = "'" + address + "' is no address of a bridge: udp:host:port or serial:/dev/tty@baud is";
  }
  if (wire == nullptr) return nullptr;
  if (options.wrap) wire = options.wrap(std::move(wire));
  return std::make_unique<FrameClient>(
      FrameClient::Options{
          .identity = identity, .realtime = options.realtime, .word = options.word},
      std::move(wire));
}

}  // namespace estuary::bridge
