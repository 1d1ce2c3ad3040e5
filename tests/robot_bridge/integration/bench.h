// A bridge and an emulated robot as real processes on one table: started, asked, killed.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "common/process/channel.h"
#include "common/process/status.h"
#include "estuary/v1/robot.grpc.pb.h"
#include "tests/actors/child_process.h"

namespace estuary::bridge {

using actor::testing::ChildProcess;

class Bench : public testing::Test {
 protected:
  Bench() {
    char name[] = "/tmp/estuary-bridge-XXXXXX";
    folder_ = mkdtemp(name);
    address_ = absl::StrCat("unix:", folder_, "/bridge.sock");
  }
  ~Bench() override {
    robot_.reset();
    bridge_.reset();
    if (!HasFailure()) std::filesystem::remove_all(folder_);
  }

  // `prefix`: words before the bridge's own, "/usr/bin/env", "A=b".
  void StartBridge(std::vector<std::string> arguments = {},
                   const std::vector<std::string>& prefix = {}) {
    arguments.insert(arguments.begin(), {Binary("estuary-bridge"), "--listen=" + address_});
    arguments.insert(arguments.begin(), prefix.begin(), prefix.end());
    bridge_ = std::make_unique<ChildProcess>(arguments, folder_ + "/bridge.log");
    channel_ = process::MakeChannel(address_);
    stub_ = v1::RobotOperator::NewStub(channel_);
    ASSERT_TRUE(
        channel_->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(20)))
        << bridge_->Output();
  }
  void StartRobot(std::vector<std::string> arguments = {}) {
    arguments.insert(arguments.begin(), {Binary("estuary-robot"), "--bridge=" + address_});
    robot_ = std::make_unique<ChildProcess>(arguments, folder_ + "/robot.log");
  }
  static std::string Binary(const std::string& name) {
    return absl::StrCat(ESTUARY_BIN_DIR, "/", name);
  }

  absl::Status Arm() {
    return Call([this](grpc::ClientContext* context, v1::RobotStatus* status) {
      return stub_->Arm(context, v1::ArmRequest(), status);
    });
  }
  absl::Status Disarm() {
    return Call([this](grpc::ClientContext* context, v1::RobotStatus* status) {
      return stub_->Disarm(context, v1::DisarmRequest(), status);
    });
  }
  absl::Status EmergencyStop(const std::string& reason) {
    v1::EmergencyStopRequest request;
    request.set_reason(reason);
    return Call([this, request](grpc::ClientContext* context, v1::RobotStatus* status) {
      return stub_->EmergencyStop(context, request, status);
    });
  }
  absl::Status SetMode(v1::RobotState mode) {
    v1::SetModeRequest request;
    request.set_mode(mode);
    return Call([this, request](grpc::ClientContext* context, v1::RobotStatus* status) {
      return stub_->SetMode(context, request, status);
    });
  }
  v1::RobotStatus Status() {
    const absl::Status status = Call([this](grpc::ClientContext* context, v1::RobotStatus* reply) {
      return stub_->Status(context, v1::RobotStatusRequest(), reply);
    });
    EXPECT_TRUE(status.ok()) << status;
    return newest_;
  }

  // Waits until `done` holds of the status.
  template <typename Done>
  bool WaitFor(Done&& done, absl::Duration timeout = absl::Seconds(20)) {
    for (const absl::Time end = absl::Now() + timeout; absl::Now() < end;) {
      if (done(Status())) return true;
      absl::SleepFor(absl::Milliseconds(20));
    }
    return false;
  }
  void ArmWhenThere() {
    ASSERT_TRUE(WaitFor([](const v1::RobotStatus& status) {
      return status.robot_connected() && status.observation_size() > 0;
    })) << bridge_->Output()
        << robot_->Output();
    const absl::Status status = Arm();
    ASSERT_TRUE(status.ok()) << status;
  }

  // Of the robot's line about an episode, "survival_s=5.000 ...".
  std::map<std::string, std::string> Episode() {
    std::map<std::string, std::string> figures;
    for (const absl::string_view line : absl::StrSplit(robot_->Output(), '\n')) {
      if (line.substr(0, 8) != "episode=") continue;
      for (const absl::string_view part : absl::StrSplit(line, ' ')) {
        const std::vector<std::string> pair = absl::StrSplit(part, '=');
        if (pair.size() == 2) figures[pair[0]] = pair[1];
      }
    }
    return figures;
  }
  double Figure(const std::string& name) {
    double value = -1;
    EXPECT_TRUE(absl::SimpleAtod(Episode()[name], &value)) << name << ": " << robot_->Output();
    return value;
  }

  std::string folder_;
  std::string address_;
  std::unique_ptr<ChildProcess> bridge_;
  std::unique_ptr<ChildProcess> robot_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::RobotOperator::Stub> stub_;

 private:
  template <typename Do>
  absl::Status Call(Do&& call) {
    grpc::ClientContext context;
    process::SetDeadline(context, absl::Seconds(5));
    v1::RobotStatus reply;
    const absl::Status status = process::FromGrpc(call(&context, &reply));
    if (status.ok()) newest_ = reply;
    return status;
  }

  v1::RobotStatus newest_;
};

}  // namespace estuary::bridge
