// Bridge and emulated robot as real processes over UDP and a serial line, on wires that damage,
// lose, double and delay what they carry; and faults on cue.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "estuary/v1/robot_fault.grpc.pb.h"
#include "robot_bridge/drivers/serial/serial_wire.h"
#include "robot_bridge/loop/clock.h"
#include "tests/robot_bridge/integration/bench.h"

namespace estuary::bridge {
namespace {

using testing::HasSubstr;

constexpr char kBadWire[] =
    "--fault=corrupt:0.01,drop:0.01,duplicate:0.01,reorder:0.01,delay:0.01:4";

// A cable between two pseudo-terminals.
class Cable {
 public:
  Cable() {
    std::string error;
    for (int i = 0; i < 2; ++i) {
      near_[i] = OpenPseudoTerminal(far_[i], error);
      EXPECT_GE(near_[i], 0) << error;
      // Raw, as a cable is, whoever opens it when.
      wires_[i] = AdoptSerial(near_[i]);
    }
    for (int i = 0; i < 2; ++i) {
      threads_[i] = std::thread([this, i] {
        uint8_t bytes[256];
        Peer peer;
        while (!stop_) {
          const size_t size =
              wires_[i]->Receive(Now() + 50 * kMillisecond, bytes, sizeof(bytes), peer);
          if (size > 0) wires_[1 - i]->Send(bytes, size, peer);
        }
      });
    }
  }
  ~Cable() {
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
  }
  const std::string& end(int i) const { return far_[i]; }

 private:
  int near_[2];
  std::string far_[2];
  std::unique_ptr<Wire> wires_[2];
  std::thread threads_[2];
  std::atomic<bool> stop_{false};
};

class WiresTest : public Bench {
 protected:
  void StartUdp(const std::vector<std::string>& robot) {
    StartBridge({"--driver=udp", "--udp_listen=127.0.0.1:0"});
    const std::string log = bridge_->Output();
    const size_t at = log.find("udp:127.0.0.1:");
    ASSERT_NE(at, std::string::npos) << log;
    std::vector<std::string> arguments = {"--bridge=" +
                                          log.substr(at, log.find_first_of("\"\n", at) - at)};
    arguments.insert(arguments.end(), robot.begin(), robot.end());
    StartRobot(arguments);
  }
  void InjectFault(v1::FaultKind kind, uint64_t count, uint32_t milliseconds) {
    const auto stub = v1::RobotFaults::NewStub(process::MakeChannel(Control()));
    grpc::ClientContext context;
    process::SetDeadline(context, absl::Seconds(10));
    v1::InjectFaultsRequest request;
    v1::Fault& fault = *request.add_faults();
    fault.set_kind(kind);
    fault.set_rate(1);
    fault.set_count(count);
    fault.set_milliseconds(milliseconds);
    v1::FaultReport report;
    const grpc::Status status = stub->Inject(&context, request, &report);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }
  std::string Control() const { return "unix:" + folder_ + "/control.sock"; }
  void DriveForAMoment() {
    ArmWhenThere();
    ASSERT_TRUE(WaitFor([](const v1::RobotStatus& status) {
      return status.episode_seconds() > 0.5;
    })) << bridge_->Output()
        << robot_->Output();
  }
};

TEST_F(WiresTest, TheRobotStandsOverUdp) {
  StartUdp({"--seconds=5"});
  ArmWhenThere();
  ASSERT_EQ(robot_->Wait(absl::Seconds(40)), 0) << robot_->Output() << bridge_->Output();
  EXPECT_EQ(Episode()["end"], "time") << robot_->Output() << bridge_->Output();
  EXPECT_LT(Figure("max_abs_x"), 0.2);
  const v1::RobotStatus status = Status();
  EXPECT_EQ(status.driver(), "udp");
  EXPECT_EQ(status.frames_corrupt(), 0u);
  EXPECT_GT(status.transitions_recorded(), 500u);
}

TEST_F(WiresTest, TheRobotStandsOverABadUdpWire) {
  StartUdp({"--seconds=8", kBadWire});
  ArmWhenThere();
  ASSERT_EQ(robot_->Wait(absl::Seconds(40)), 0) << robot_->Output() << bridge_->Output();
  EXPECT_EQ(Episode()["end"], "time") << robot_->Output() << bridge_->Output();
  const v1::RobotStatus status = Status();
  EXPECT_GT(status.frames_corrupt(), 0u);
  EXPECT_GT(status.frames_duplicate(), 0u);
  EXPECT_GT(status.frames_out_of_order(), 0u);
  EXPECT_GT(status.observation_gaps(), 0u) << "what is lost is marked";
}

TEST_F(WiresTest, TheRobotStandsOverABadSerialLine) {
  const Cable cable;
  StartBridge({"--driver=serial", "--serial=" + cable.end(0)});
  StartRobot({"--bridge=serial:" + cable.end(1) + "@921600", "--seconds=8", kBadWire});
  ArmWhenThere();
  ASSERT_EQ(robot_->Wait(absl::Seconds(40)), 0) << robot_->Output() << bridge_->Output();
  EXPECT_EQ(Episode()["end"], "time") << robot_->Output() << bridge_->Output();
  const v1::RobotStatus status = Status();
  EXPECT_EQ(status.driver(), "serial");
  EXPECT_GT(status.frames_corrupt(), 0u);
}

TEST_F(WiresTest, TheBridgeComesBackAndFindsItsRobotOverUdp) {
  StartUdp({"--seconds=60"});
  DriveForAMoment();
  const std::string log = bridge_->Output();
  const size_t at = log.find("udp:127.0.0.1:") + 4;
  const std::string address = log.substr(at, log.find_first_of("\"\n", at) - at);
  bridge_->Signal(SIGKILL);
  bridge_->Wait(absl::Seconds(5));
  StartBridge({"--driver=udp", "--udp_listen=" + address});
  EXPECT_EQ(Status().state(), v1::ROBOT_STATE_DISARMED);
  DriveForAMoment();
}

TEST_F(WiresTest, ARobotThatIsKnockedOverEndsInTorqueOff) {
  StartRobot({"--seconds=60", "--stop_at_fall", "--control=" + Control()});
  StartBridge();
  DriveForAMoment();
  InjectFault(v1::FAULT_KIND_FALL, 1, 0);
  ASSERT_EQ(robot_->Wait(absl::Seconds(40)), 0) << robot_->Output();
  EXPECT_EQ(Episode()["end"], "fallen");
}

TEST_F(WiresTest, ARobotWhoseComputerHangsIsStopped) {
  StartRobot({"--seconds=60", "--control=" + Control()});
  StartBridge();
  DriveForAMoment();
  InjectFault(v1::FAULT_KIND_FREEZE, 1, 1000);
  EXPECT_TRUE(WaitFor([](const v1::RobotStatus& status) {
    return status.state() == v1::ROBOT_STATE_ESTOP;
  })) << bridge_->Output();
  // The log is written a moment after the change.
  EXPECT_TRUE(WaitFor([&](const v1::RobotStatus&) {
    return absl::StrContains(bridge_->Output(), "(observations_lost)");
  })) << bridge_->Output();
}

TEST_F(WiresTest, AFewObservationsThatAreNoNumbersAreSurvived) {
  StartRobot({"--seconds=4", "--control=" + Control()});
  StartBridge();
  DriveForAMoment();
  InjectFault(v1::FAULT_KIND_NAN, 3, 0);
  ASSERT_EQ(robot_->Wait(absl::Seconds(40)), 0) << robot_->Output();
  EXPECT_EQ(Episode()["end"], "time") << robot_->Output() << bridge_->Output();
}

TEST_F(WiresTest, ANoisySlowRobotStandsUnderTheFallback) {
  StartBridge();
  StartRobot({"--seconds=5", "--sensor_noise=1", "--imu_bias=0.005", "--actuation_delay_ms=2"});
  ArmWhenThere();
  ASSERT_EQ(robot_->Wait(absl::Seconds(40)), 0) << robot_->Output();
  EXPECT_EQ(Episode()["end"], "time") << robot_->Output();
}

TEST_F(WiresTest, TheSelfTestWorksOverEveryDriver) {
  for (const std::string driver : {"udp", "serial"}) {
    ChildProcess process({Binary("estuary-bridge"), "--selftest", "--driver=" + driver},
                         folder_ + "/selftest-" + driver + ".log");
    ASSERT_TRUE(process.Wait(absl::Seconds(40)).has_value());
    EXPECT_THAT(process.Output(), HasSubstr("2000 observations in 10 s"));
    EXPECT_THAT(process.Output(), HasSubstr("fit"));
    std::cout << driver << "\n" << process.Output();
  }
}

TEST_F(WiresTest, SaysInOneLineWhatIsWrongWithAnAddress) {
  StartRobot({"--bridge=serial:/nowhere/tty"});
  EXPECT_EQ(robot_->Wait(absl::Seconds(20)), 1);
  EXPECT_THAT(robot_->Output(), HasSubstr("cannot open serial line '/nowhere/tty'"));
  StartRobot({"--fault=explode:1"});
  EXPECT_EQ(robot_->Wait(absl::Seconds(20)), 2);
  EXPECT_THAT(robot_->Output(), HasSubstr("KIND one of drop"));
}

}  // namespace
}  // namespace estuary::bridge
