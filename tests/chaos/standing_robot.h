// The emulated robot standing under a policy, with everything around it as real processes: a
// learner that publishes, a bridge that records, a replay shard. A test does its worst to them;
// then the robot must still stand, and the replay must hold every transition exactly once.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "tests/chaos/standing_policy.h"
#include "tests/robot_bridge/integration/recording.h"

namespace estuary::bridge {

class StandingRobot : public RecordingBench {
 protected:
  StandingRobot() : learner_address_(absl::StrCat("unix:", folder_, "/learner.sock")) {
    std::filesystem::create_directories(PolicyFolder());
  }
  ~StandingRobot() override { learner_.reset(); }

  std::string PolicyFolder() const { return folder_ + "/policies"; }

  void StartLearner(std::vector<std::string> more = {}, std::vector<std::string> words = {}) {
    words.insert(words.end(), {ESTUARY_POLICY_SERVER, "--listen=" + learner_address_,
                               "--folder=" + PolicyFolder()});
    words.insert(words.end(), more.begin(), more.end());
    learner_ = std::make_unique<ChildProcess>(words, folder_ + "/learner.log");
  }
  void KillLearner() {
    learner_->Signal(SIGKILL);
    learner_->Wait(absl::Seconds(5));
  }
  // The next thing that the learner publishes.
  void Publish(const v1::PolicyVersion& policy) {
    const std::string path = absl::StrCat(PolicyFolder(), "/", 1000 + ++published_);
    ASSERT_TRUE(process::WriteFileAtomically(path + ".tmp", policy.SerializeAsString()).ok());
    ASSERT_EQ(std::rename((path + ".tmp").c_str(), (path + ".pb").c_str()), 0);
  }
  bool HasVersion(uint64_t version) {
    return WaitFor([version](const v1::RobotStatus& s) { return s.policy_version() == version; });
  }

  void StartAll(std::vector<std::string> bridge = {}, std::vector<std::string> robot = {}) {
    Publish(StandingPolicy(1));
    StartReplay();
    StartLearner();
    bridge.push_back("--learner=" + learner_address_);
    StartRecordingBridge(bridge);
    robot.insert(robot.end(), {"--seconds=1000", "--stop_at_fall"});
    StartRobot(robot);
  }
  // In state POLICY, for a second.
  void Stand() {
    ASSERT_TRUE(HasVersion(1)) << Logs();
    ArmWhenThere();
    const absl::Status mode = SetMode(v1::ROBOT_STATE_POLICY);
    ASSERT_TRUE(mode.ok()) << mode << Logs();
    ASSERT_TRUE(Drives(1)) << Logs();
  }

  std::string Logs() {
    std::string logs = "\nrobot:\n" + robot_->Output() + "bridge:\n" + bridge_->Output();
    if (replay_ != nullptr) logs += "replay:\n" + replay_->Output();
    return logs;
  }

  // Its motors are on, and it has neither fallen nor left: for so long, and now.
  void ExpectStands(absl::Duration duration) {
    const absl::Time end = absl::Now() + duration;
    do {
      const v1::RobotStatus status = Status();
      ASSERT_NE(status.state(), v1::ROBOT_STATE_ESTOP) << status.DebugString() << Logs();
      ASSERT_NE(status.state(), v1::ROBOT_STATE_DISARMED) << status.DebugString() << Logs();
      ASSERT_EQ(status.observation_size(), 4);
      ASSERT_LT(std::abs(status.observation(0)), 0.3) << Logs();
      ASSERT_FALSE(robot_->Wait(absl::ZeroDuration()).has_value()) << Logs();
      absl::SleepFor(absl::Milliseconds(20));
    } while (absl::Now() < end);
  }
  // The policy has it, perhaps after a moment in which the fallback had: that is what it is for.
  void ExpectPolicyDrives() {
    EXPECT_TRUE(WaitFor([](const v1::RobotStatus& status) {
      return status.state() == v1::ROBOT_STATE_POLICY;
    })) << Status().DebugString()
        << Logs();
  }

  // The robot is let go; when everything has come to rest, the replay holds what was recorded,
  // each transition once, in order. `recorded_before`: by bridges that were there before this one.
  void EndAndExpectExactlyOnce(uint64_t recorded_before = 0, uint32_t bridges_killed = 0) {
    robot_->Signal(SIGTERM);
    ASSERT_EQ(robot_->Wait(absl::Seconds(20)), 0) << Logs();
    ASSERT_TRUE(WaitFor(
        [](const v1::RobotStatus& status) {
          return !status.robot_connected() && status.spool_rows_waiting() == 0 &&
                 status.transitions_acknowledged() >= status.transitions_recorded();
        },
        absl::Seconds(90)))
        << Status().DebugString() << Logs();
    const v1::RobotStatus status = Status();
    EXPECT_EQ(status.transitions_lost(), 0u);
    bridge_->Signal(SIGTERM);
    ASSERT_EQ(bridge_->Wait(absl::Seconds(20)), 0) << Logs();
    ExpectExactlyOnce(bridges_killed);
    const uint64_t recorded = recorded_before + status.transitions_recorded();
    const uint64_t rows = ReadTable().rows();
    if (bridges_killed == 0) {
      EXPECT_EQ(rows, recorded);
    } else {
      // What a bridge had not yet written to its spool when it was killed.
      EXPECT_LE(rows, recorded + 30);
      EXPECT_GE(rows + 60, recorded);
    }
  }

  std::string learner_address_;
  std::unique_ptr<ChildProcess> learner_;
  int published_ = 0;
};

}  // namespace estuary::bridge
