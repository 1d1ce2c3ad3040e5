// What comes from the robot itself: frames with bits turned over, a computer that hangs, sensors
// that say nonsense, a knock.
#include <netinet/in.h>
#include <sys/socket.h>

#include "estuary/v1/robot_fault.grpc.pb.h"
#include "tests/chaos/standing_robot.h"

namespace estuary::bridge {
namespace {

// One that nobody uses now.
int FreeUdpPort() {
  const int probe = socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  EXPECT_EQ(bind(probe, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size), 0);
  close(probe);
  return ntohs(address.sin_port);
}

class FailingRobot : public StandingRobot {
 protected:
  FailingRobot() : control_(absl::StrCat("unix:", folder_, "/control.sock")) {}

  void StandWithControl() {
    StartAll({}, {"--control=" + control_});
    Stand();
  }

  v1::FaultReport Inject(v1::FaultKind kind, double rate, uint64_t count = 0,
                         uint32_t milliseconds = 0) {
    v1::InjectFaultsRequest request;
    v1::Fault& fault = *request.add_faults();
    fault.set_kind(kind);
    fault.set_rate(rate);
    fault.set_count(count);
    fault.set_milliseconds(milliseconds);
    grpc::ClientContext context;
    process::SetDeadline(context, absl::Seconds(5));
    v1::FaultReport report;
    const auto stub = v1::RobotFaults::NewStub(process::MakeChannel(control_));
    const grpc::Status status = stub->Inject(&context, request, &report);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return report;
  }
  uint64_t Happened(v1::FaultKind kind) {
    grpc::ClientContext context;
    process::SetDeadline(context, absl::Seconds(5));
    v1::FaultReport report;
    const auto stub = v1::RobotFaults::NewStub(process::MakeChannel(control_));
    EXPECT_TRUE(stub->Report(&context, v1::FaultReportRequest(), &report).ok());
    for (const auto& happened : report.happened()) {
      if (happened.kind() == kind) return happened.count();
    }
    return 0;
  }

  // It ends with the motors off, soon after the policy lost it; and once more nothing is lost or
  // there twice.
  void ExpectTorqueOff(const std::string& reason, double most_seconds) {
    // Changes are told a moment after the state.
    ASSERT_TRUE(WaitFor([](const v1::RobotStatus& status) {
      return status.changes_size() > 0 &&
             status.changes(status.changes_size() - 1).to() == v1::ROBOT_STATE_ESTOP;
    })) << Status().DebugString()
        << Logs();
    const v1::RobotStatus status = Status();
    ASSERT_GE(status.changes_size(), 3) << status.DebugString();
    const v1::StateChange& stop = status.changes(status.changes_size() - 1);
    EXPECT_EQ(stop.reason_code(), reason) << status.DebugString();
    double lost_seconds_ago = stop.seconds_ago();
    for (const v1::StateChange& change : status.changes()) {
      if (change.from() == v1::ROBOT_STATE_POLICY) lost_seconds_ago = change.seconds_ago();
    }
    EXPECT_LE(lost_seconds_ago - stop.seconds_ago(), most_seconds) << status.DebugString();
    EndAndExpectExactlyOnce();
  }

  const std::string control_;
};

TEST_F(FailingRobot, OneFrameInAHundredIsCorrupt) {
  const std::string port = absl::StrCat("127.0.0.1:", FreeUdpPort());
  Publish(StandingPolicy(1));
  StartReplay();
  StartLearner();
  StartRecordingBridge({"--learner=" + learner_address_, "--driver=udp", "--udp_listen=" + port});
  robot_ = std::make_unique<ChildProcess>(
      std::vector<std::string>{Binary("estuary-robot"), "--bridge=udp:" + port, "--seconds=1000",
                               "--stop_at_fall", "--fault=corrupt:0.01", "--control=" + control_},
      folder_ + "/robot.log");
  Stand();
  ExpectStands(absl::Seconds(8));
  EXPECT_GT(Happened(v1::FAULT_KIND_CORRUPT), 10u);
  EXPECT_GT(Status().observation_gaps(), 0u) << "a lost observation is said";
  ExpectPolicyDrives();
  EndAndExpectExactlyOnce();
}

TEST_F(FailingRobot, MessagesAreLostLateTwiceAndInAnotherOrder) {
  StandWithControl();
  Inject(v1::FAULT_KIND_DROP, 0.01);
  Inject(v1::FAULT_KIND_DELAY, 0.01, 0, 8);
  Inject(v1::FAULT_KIND_DUPLICATE, 0.01);
  Inject(v1::FAULT_KIND_REORDER, 0.01);
  ExpectStands(absl::Seconds(6));
  EXPECT_GT(Happened(v1::FAULT_KIND_DROP), 5u);
  EXPECT_GT(Happened(v1::FAULT_KIND_REORDER), 5u);
  ExpectPolicyDrives();
  EndAndExpectExactlyOnce();
}

TEST_F(FailingRobot, ItsComputerHangs) {
  StandWithControl();
  Inject(v1::FAULT_KIND_FREEZE, 1, /*count=*/1, /*milliseconds=*/1500);
  ExpectTorqueOff("observations_lost", 0.1);
}

TEST_F(FailingRobot, ItsObservationsAreNoNumbers) {
  StandWithControl();
  Inject(v1::FAULT_KIND_NAN, 1);
  ExpectTorqueOff("observations_lost", 0.1);
}

TEST_F(FailingRobot, ItIsKnockedOver) {
  StandWithControl();
  Inject(v1::FAULT_KIND_FALL, 1, /*count=*/1);
  // From the envelope's edge it falls on for a moment; then its process ends, as it was told to at
  // a fall, and 100 ms of silence follow.
  ExpectTorqueOff("observations_lost", 0.15);
}

}  // namespace
}  // namespace estuary::bridge
