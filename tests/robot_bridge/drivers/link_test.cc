// Both ends of a link in frames on a real wire: a datagram socket, a pseudo-terminal.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <string>

#include "robot_bridge/client/connect.h"
#include "robot_bridge/client/frame_client.h"
#include "robot_bridge/drivers/drivers.h"
#include "robot_bridge/drivers/serial/serial_wire.h"
#include "robot_bridge/drivers/udp/udp_wire.h"
#include "robot_bridge/loop/clock.h"

namespace estuary::bridge {
namespace {

using testing::HasSubstr;

const RobotIdentity kIdentity = {.robot = "robot",
                                 .task = "stand",
                                 .observation_dim = 4,
                                 .action_dim = 1,
                                 .control_period_us = 5000};
constexpr RealtimeOptions kOrdinary = {.priority = 0, .cpu = -1, .lock_memory = false};

bool Eventually(const std::function<bool()>& holds) {
  for (const int64_t end = Now() + 20 * kSecond; Now() < end;) {
    if (holds()) return true;
    SleepUntil(Now() + kMillisecond);
  }
  return holds();
}

class LinkTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    options_.kind = GetParam();
    options_.udp_listen = "127.0.0.1:0";
    if (GetParam() == "serial") {
      std::string error;
      near_ = OpenPseudoTerminal(options_.serial_device, error);
      ASSERT_GE(near_, 0) << error;
    }
    StartDriver();
  }
  void TearDown() override {
    client_.reset();
    driver_.reset();
    if (near_ >= 0) close(near_);
  }

  void StartDriver() {
    absl::StatusOr<std::unique_ptr<Driver>> driver =
        MakeDriver(options_, kIdentity, &wakeup_, kOrdinary);
    ASSERT_TRUE(driver.ok()) << driver.status();
    driver_ = *std::move(driver);
    // Where it is found again after a restart.
    if (GetParam() == "udp") options_.udp_listen = driver_->address().substr(4);
  }
  std::unique_ptr<RobotLink> MakeClient(const RobotIdentity& identity) {
    if (GetParam() == "serial") {
      return std::make_unique<FrameClient>(
          FrameClient::Options{.identity = identity, .realtime = kOrdinary, .word = nullptr},
          AdoptSerial(dup(near_)));
    }
    std::string error;
    ConnectOptions options;
    options.realtime = kOrdinary;
    auto client = ConnectFrames(driver_->address(), identity, options, error);
    EXPECT_NE(client, nullptr) << error;
    return client;
  }
  void Connect() {
    client_ = MakeClient(kIdentity);
    ASSERT_TRUE(Eventually([this] { return client_->connected() && driver_->link().connected; }));
  }
  void Observe() {
    Observation observation;
    observation.sequence = ++sequence_;
    observation.observation_dim = 4;
    observation.observation[2] = static_cast<float>(sequence_);
    client_->SendObservation(observation);
  }
  bool Arrives() {
    return Eventually([this] { return driver_->Receive(received_); });
  }
  // Raw bytes to the bridge, from where the robot is.
  void Inject(const std::string& bytes) {
    if (GetParam() == "serial") {
      ASSERT_EQ(write(near_, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
      return;
    }
    std::string error;
    const std::unique_ptr<Wire> stranger = ConnectUdp(driver_->address().substr(4), error);
    ASSERT_NE(stranger, nullptr) << error;
    stranger->Send(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), Peer());
  }

  DriverOptions options_;
  Wakeup wakeup_;
  int near_ = -1;
  std::unique_ptr<Driver> driver_;
  std::unique_ptr<RobotLink> client_;
  uint64_t sequence_ = 0;
  Observation received_;
};

TEST_P(LinkTest, CarriesObservationsAndTheirCommands) {
  Connect();
  EXPECT_STREQ(driver_->kind(), GetParam().c_str());
  for (int i = 0; i < 100; ++i) {
    Observe();
    ASSERT_TRUE(Arrives());
    EXPECT_EQ(received_.sequence, sequence_);
    EXPECT_EQ(received_.observation[2], static_cast<float>(sequence_));
    EXPECT_EQ(received_.link, 1u);
    EXPECT_GT(received_.received_ns, 0);
    Command command;
    command.link = received_.link;
    command.observation_sequence = received_.sequence;
    command.action_dim = 1;
    command.action[0] = 0.01f * static_cast<float>(i);
    command.torque_on = true;
    driver_->Send(command);
    ReceivedCommand got;
    ASSERT_TRUE(Eventually([&] { return client_->NextCommand(got); }));
    EXPECT_EQ(got.command.observation_sequence, sequence_);
    EXPECT_EQ(got.command.action[0], command.action[0]);
    EXPECT_TRUE(got.command.torque_on);
  }
  const Driver::LinkStatus status = driver_->link();
  EXPECT_EQ(status.links, 1u);
  EXPECT_EQ(status.corrupt + status.duplicate + status.out_of_order + status.foreign, 0u);
}

TEST_P(LinkTest, GarbageIsCountedAndHarmsNothing) {
  Connect();
  Inject(std::string("ESTU\x01\x04\x00\x04", 8) + std::string(100, 'x'));
  Observe();
  ASSERT_TRUE(Arrives());
  EXPECT_EQ(received_.sequence, 1u);
  if (GetParam() == "udp") {
    EXPECT_TRUE(Eventually([this] { return driver_->link().corrupt == 1; }));
  }
}

TEST_P(LinkTest, RefusesAnotherRobotForGood) {
  RobotIdentity other = kIdentity;
  other.task = "move";
  client_ = MakeClient(other);
  ASSERT_TRUE(Eventually([this] { return !client_->refused().empty(); }));
  EXPECT_THAT(client_->refused(), HasSubstr("drives task 'stand', the robot's is 'move'"));
  EXPECT_FALSE(client_->connected());
  EXPECT_GE(driver_->link().refused, 1u);
}

TEST_P(LinkTest, ARobotThatComesBackHasANewLink) {
  Connect();
  Observe();
  ASSERT_TRUE(Arrives());
  client_.reset();
  // From another port, over udp: only once the old one has been silent for a while.
  Connect();
  ASSERT_TRUE(Eventually([this] { return driver_->link().links == 2; }));
  sequence_ = 0;
  Observe();
  ASSERT_TRUE(Arrives());
  EXPECT_EQ(received_.link, 2u);
  EXPECT_EQ(received_.sequence, 1u);
}

TEST_P(LinkTest, TheRobotFindsABridgeThatComesBack) {
  Connect();
  driver_.reset();
  ASSERT_TRUE(Eventually([this] { return !client_->connected(); }));
  StartDriver();
  ASSERT_TRUE(Eventually([this] { return client_->connected(); }));
  // A robot goes on counting.
  ASSERT_TRUE(Eventually([this] {
    Observe();
    return driver_->Receive(received_);
  }));
  EXPECT_EQ(received_.link, 1u);
}

TEST_P(LinkTest, CommandsOfAnOldLinkGoNowhere) {
  Connect();
  Command command;
  command.link = 7;
  command.action_dim = 1;
  command.torque_on = true;
  driver_->Send(command);
  command.link = 1;
  command.observation_sequence = 5;
  ReceivedCommand got;
  // The first may still be in the outbox, where the second replaces it.
  ASSERT_TRUE(Eventually([&] {
    driver_->Send(command);
    return client_->NextCommand(got);
  }));
  EXPECT_EQ(got.command.observation_sequence, 5u);
}

INSTANTIATE_TEST_SUITE_P(Wires, LinkTest, testing::Values("udp", "serial"),
                         [](const auto& info) { return info.param; });

TEST(MakeDriver, SaysWhatItCannotDo) {
  Wakeup wakeup;
  const auto refusal = [&wakeup](const DriverOptions& options,
                                 const RobotIdentity& identity = kIdentity) {
    return std::string(MakeDriver(options, identity, &wakeup, kOrdinary).status().message());
  };
  DriverOptions options;
  options.kind = "can";
  EXPECT_THAT(refusal(options), HasSubstr("no driver 'can'; there are grpc, udp, serial"));
  options.kind = "serial";
  EXPECT_THAT(refusal(options), HasSubstr("needs --serial"));
  options.serial_device = "/nowhere/tty";
  EXPECT_THAT(refusal(options), HasSubstr("cannot open serial line '/nowhere/tty'"));
  options.serial_device = "/dev/null";
  EXPECT_THAT(refusal(options), HasSubstr("'/dev/null' is no serial line"));
  options.serial_baud = 12345;
  EXPECT_THAT(refusal(options), HasSubstr("no serial line has 12345 baud; there are 115200"));
  options.kind = "udp";
  options.udp_listen = "nonsense";
  EXPECT_THAT(refusal(options), HasSubstr("nonsense"));
  options.udp_listen = "0.0.0.0:0";
  EXPECT_THAT(refusal(options), HasSubstr("--insecure"));
  options.udp_listen = "127.0.0.1:0";
  RobotIdentity named = kIdentity;
  named.robot = std::string(33, 'r');
  EXPECT_THAT(refusal(options, named), HasSubstr("at most 32 characters"));
}

TEST(ConnectFrames, SaysWhatIsNoAddress) {
  std::string error;
  EXPECT_EQ(ConnectFrames("can:0", kIdentity, {}, error), nullptr);
  EXPECT_THAT(error, HasSubstr("udp:host:port or serial:/dev/tty@baud"));
  EXPECT_EQ(ConnectFrames("udp:127.0.0.1", kIdentity, {}, error), nullptr);
  EXPECT_THAT(error, HasSubstr("host:port is"));
  EXPECT_EQ(ConnectFrames("serial:/nowhere/tty@921600", kIdentity, {}, error), nullptr);
  EXPECT_THAT(error, HasSubstr("/nowhere/tty"));
}

TEST(BaudFor, LeavesHalfOfThePeriodFree) {
  // 64 bytes in 2.5 ms are 256,000 bits a second.
  EXPECT_EQ(BaudFor(4, 1, 5000), 460800);
  EXPECT_EQ(BaudFor(32, 16, 5000), 1000000);
  EXPECT_EQ(BaudFor(32, 16, 100), 4000000) << "the fastest there is";
}

TEST(IsLoopbackUdp, KnowsThisMachine) {
  EXPECT_TRUE(IsLoopbackUdp("127.0.0.1:1"));
  EXPECT_TRUE(IsLoopbackUdp("[::1]:1"));
  EXPECT_FALSE(IsLoopbackUdp("0.0.0.0:1"));
  EXPECT_FALSE(IsLoopbackUdp("nonsense"));
}

}  // namespace
}  // namespace estuary::bridge
