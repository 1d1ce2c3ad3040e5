// Bridge and robot as real processes over a Unix socket.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <iostream>
#include <thread>

#include "tests/robot_bridge/integration/bench.h"

namespace estuary::bridge {
namespace {

using testing::HasSubstr;

class DriveTest : public Bench {};

TEST_F(DriveTest, TheFallbackKeepsTheRealRobotStandingAt200Hz) {
  StartBridge();
  StartRobot({"--seconds=5"});
  ArmWhenThere();
  ASSERT_EQ(robot_->Wait(absl::Seconds(30)), 0) << robot_->Output() << bridge_->Output();
  EXPECT_EQ(Episode()["end"], "time") << robot_->Output();
  EXPECT_NEAR(Figure("survival_s"), 5, 0.01);
  EXPECT_LT(Figure("max_abs_x"), 0.2);
  EXPECT_GT(Figure("return"), 20'000);
  const v1::RobotStatus status = Status();
  EXPECT_GE(status.ticks() + status.missed_ticks() + status.observation_gaps(), 1000u);
  EXPECT_GT(status.transitions_recorded(), 500u);
  std::cout << "lateness p50 " << status.lateness_p50_us() << " p99 " << status.lateness_p99_us()
            << " max " << status.lateness_max_us() << " us; latency p50 "
            << status.action_latency_p50_us() << " p99 " << status.action_latency_p99_us()
            << " us; ticks " << status.ticks() << ", missed " << status.missed_ticks() << ", gaps "
            << status.observation_gaps() << "\n"
            << robot_->Output();
  bridge_->Signal(SIGTERM);
  EXPECT_EQ(bridge_->Wait(absl::Seconds(10)), 0) << bridge_->Output();
}

TEST_F(DriveTest, TheFallbackDrivesTheMovingTask) {
  StartBridge({"--task=wheel_legged_move"});
  StartRobot({"--task=wheel_legged_move", "--seconds=3"});
  ArmWhenThere();
  ASSERT_EQ(robot_->Wait(absl::Seconds(30)), 0);
  EXPECT_EQ(Episode()["end"], "time") << robot_->Output();
}

TEST_F(DriveTest, AKilledBridgeLeavesTheRobotWithItsMotorsOff) {
  StartBridge();
  StartRobot({"--seconds=60"});
  ArmWhenThere();
  ASSERT_TRUE(WaitFor([](const v1::RobotStatus& status) { return status.episode_seconds() > 1; }));
  bridge_->Signal(SIGKILL);
  ASSERT_EQ(robot_->Wait(absl::Seconds(30)), 0) << robot_->Output();
  EXPECT_EQ(Episode()["end"], "fallen");
  // From the watchdog's 100 ms on it falls without power, which takes it a good part of a second.
  EXPECT_GT(Figure("unpowered_periods"), 2);
}

TEST_F(DriveTest, ABridgeThatComesBackCanArmAgain) {
  StartBridge();
  StartRobot({"--seconds=60", "--episodes=2"});
  ArmWhenThere();
  ASSERT_TRUE(
      WaitFor([](const v1::RobotStatus& status) { return status.episode_seconds() > 0.5; }));
  bridge_->Signal(SIGKILL);
  bridge_->Wait(absl::Seconds(5));
  StartBridge();
  EXPECT_EQ(Status().state(), v1::ROBOT_STATE_DISARMED);
  absl::SleepFor(absl::Seconds(2));
  ArmWhenThere();
  EXPECT_TRUE(WaitFor([](const v1::RobotStatus& status) { return status.episode_seconds() > 0.5; }))
      << bridge_->Output() << robot_->Output();
}

TEST_F(DriveTest, AnOperatorStopsTheRobotAndTheReasonIsKept) {
  StartBridge({"--flight_dir=" + folder_ + "/flights"});
  StartRobot({"--seconds=60", "--stop_at_fall"});
  ArmWhenThere();
  ASSERT_TRUE(
      WaitFor([](const v1::RobotStatus& status) { return status.episode_seconds() > 0.5; }));
  ASSERT_TRUE(EmergencyStop("smoke").ok());
  EXPECT_EQ(Status().state(), v1::ROBOT_STATE_ESTOP);
  EXPECT_THAT(Status().reason(), HasSubstr("smoke"));
  const absl::Status disarm = Disarm();
  EXPECT_EQ(disarm.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(disarm.message()), HasSubstr("arming anew"));
  EXPECT_EQ(SetMode(v1::ROBOT_STATE_FALLBACK).code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_EQ(robot_->Wait(absl::Seconds(20)), 0);
  EXPECT_EQ(Episode()["end"], "fallen");
  EXPECT_TRUE(WaitFor([this](const v1::RobotStatus&) {
    return bridge_->Output().find("-emergency_stop.csv") != std::string::npos;
  })) << bridge_->Output();
}

TEST_F(DriveTest, RobotAndLoopDoNotMindAFloodOfCalls) {
  StartBridge();
  StartRobot({"--seconds=4"});
  ArmWhenThere();
  std::atomic<bool> stop{false};
  std::atomic<int> calls{0};
  std::vector<std::thread> flood;
  for (int i = 0; i < 4; ++i) {
    flood.emplace_back([&] {
      const auto stub = v1::RobotOperator::NewStub(process::MakeChannel(address_));
      while (!stop) {
        grpc::ClientContext context;
        process::SetDeadline(context, absl::Seconds(5));
        v1::RobotStatus status;
        v1::SetModeRequest mode;
        mode.set_mode(v1::ROBOT_STATE_FALLBACK);
        if (++calls % 2 == 0) {
          stub->SetMode(&context, mode, &status);
        } else {
          stub->Status(&context, v1::RobotStatusRequest(), &status);
        }
      }
    });
  }
  EXPECT_EQ(robot_->Wait(absl::Seconds(30)), 0);
  stop = true;
  for (std::thread& thread : flood) thread.join();
  EXPECT_EQ(Episode()["end"], "time") << robot_->Output() << bridge_->Output();
  EXPECT_GT(calls.load(), 20) << "that was no flood";
}

TEST_F(DriveTest, RefusesWhatCannotBeDoneInWords) {
  StartBridge();
  const absl::Status arm = Arm();
  EXPECT_EQ(arm.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(arm.message()), HasSubstr("is it connected?"));
  EXPECT_EQ(SetMode(v1::ROBOT_STATE_ARMED).code(), absl::StatusCode::kInvalidArgument);
  StartRobot({"--seconds=60"});
  ArmWhenThere();
  const absl::Status policy = SetMode(v1::ROBOT_STATE_POLICY);
  EXPECT_EQ(policy.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(policy.message()), HasSubstr("no usable policy"));
  EXPECT_EQ(SetMode(v1::ROBOT_STATE_OPERATOR).code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(DriveTest, ARobotOfAnotherTaskOrNameIsRefused) {
  StartBridge();
  StartRobot({"--task=wheel_legged_move"});
  EXPECT_EQ(robot_->Wait(absl::Seconds(20)), 1);
  EXPECT_THAT(robot_->Output(), HasSubstr("drives task 'wheel_legged_stand', the robot's is "
                                          "'wheel_legged_move'"));
  StartRobot({"--robot=other"});
  EXPECT_EQ(robot_->Wait(absl::Seconds(20)), 1);
  EXPECT_THAT(robot_->Output(), HasSubstr("drives robot 'robot', got 'other'"));
}

TEST_F(DriveTest, TheSelfTestEndsWithAVerdict) {
  ChildProcess process({Binary("estuary-bridge"), "--selftest"}, folder_ + "/selftest.log");
  const std::optional<int> code = process.Wait(absl::Seconds(40));
  ASSERT_TRUE(code.has_value());
  EXPECT_THAT(process.Output(), HasSubstr("2000 observations in 10 s"));
  // Whether this machine is fit is not what is tested; that it says so is.
  EXPECT_THAT(process.Output(), HasSubstr(*code == 0 ? "verdict: fit to drive" : "fit: "));
  std::cout << process.Output();
}

class BadStartTest : public Bench {
 protected:
  // What a bridge says that should not start.
  std::string Refused(const std::vector<std::string>& arguments, int code) {
    std::vector<std::string> all = {Binary("estuary-bridge")};
    all.insert(all.end(), arguments.begin(), arguments.end());
    ChildProcess process(all, folder_ + "/refused.log");
    EXPECT_EQ(process.Wait(absl::Seconds(20)), code);
    const std::string output = process.Output();
    std::filesystem::remove(folder_ + "/refused.log");
    return output;
  }
};

TEST_F(BadStartTest, SaysInOneLineWhyItDoesNotStart) {
  StartBridge();
  EXPECT_THAT(Refused({"--listen=" + address_}, 1), HasSubstr("cannot listen at " + address_));
  EXPECT_THAT(Refused({"--no_such_flag=1"}, 1), HasSubstr("no_such_flag"));
  EXPECT_THAT(Refused({"--task=half_cheetah"}, 1), HasSubstr("task 'half_cheetah' has no robot"));
  EXPECT_THAT(Refused({"--robot=a/b"}, 2), HasSubstr("without '/'"));
  EXPECT_THAT(Refused({"--replay=unix:/nowhere"}, 2), HasSubstr("--replay needs --spool_dir"));
  EXPECT_THAT(Refused({"--policy_file=/nowhere/p.pb"}, 1), HasSubstr("/nowhere/p.pb"));
  EXPECT_THAT(Refused({"--policy_file=/a", "--learner=unix:/b"}, 2), HasSubstr("not both"));
  EXPECT_THAT(Refused({"--listen=0.0.0.0:0"}, 2), HasSubstr("--insecure"));
  EXPECT_THAT(Refused({"--spool_limit_mb=0"}, 2), HasSubstr("got 0"));
}

TEST_F(BadStartTest, RefusesToRunWithoutRealtimeOnDemand) {
  // A core that no machine has cannot be given.
  EXPECT_THAT(Refused({"--listen=" + address_, "--require_realtime", "--cpu=1000"}, 1),
              HasSubstr("--require_realtime: "));
}

}  // namespace
}  // namespace estuary::bridge
