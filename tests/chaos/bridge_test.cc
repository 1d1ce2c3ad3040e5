// What comes to the bridge itself: policies that are none, calls without end, a wall clock that
// jumps.
#include <fcntl.h>
#include <sys/mman.h>

#include <atomic>
#include <limits>
#include <thread>

#include "tests/chaos/standing_robot.h"

namespace estuary::bridge {
namespace {

using testing::HasSubstr;

class Policies : public StandingRobot {
 protected:
  // Publishes it; the bridge must refuse it, say why, and go on with what it has.
  void ExpectRefused(const v1::PolicyVersion& policy, const std::string& why) {
    const uint64_t refused = Status().policies_refused();
    const uint64_t version = Status().policy_version();
    Publish(policy);
    ASSERT_TRUE(WaitFor([refused](const v1::RobotStatus& status) {
      return status.policies_refused() > refused;
    })) << Logs();
    EXPECT_THAT(Status().policy_refusal(), HasSubstr(why));
    EXPECT_EQ(Status().policy_version(), version);
    ExpectStands(absl::Milliseconds(300));
  }
};

TEST_F(Policies, OfAWrongShapeWithANanOrOfAnotherRunAreRefused) {
  StartAll();
  Stand();
  v1::PolicyVersion wrong_shape = StandingPolicy(2);
  wrong_shape.set_observation_dim(3);
  policy::SealPolicyVersion(wrong_shape);
  ExpectRefused(wrong_shape, "refused policy version 2");
  v1::PolicyVersion narrow = StandingPolicy(3);
  narrow.mutable_layers(0)->set_weight(FloatBytes({1, 2, 3}));
  policy::SealPolicyVersion(narrow);
  ExpectRefused(narrow, "refused policy version 3");
  ExpectRefused(StandingPolicy(4, "run", std::numeric_limits<float>::quiet_NaN()),
                "refused policy version 4");
  v1::PolicyVersion tampered = StandingPolicy(5);
  tampered.set_gradient_steps(99);
  ExpectRefused(tampered, "refused policy version 5");
  v1::PolicyVersion other_sums = StandingPolicy(6);
  other_sums.set_test_action(0, 0.1f);
  policy::SealPolicyVersion(other_sums);
  ExpectRefused(other_sums, "refused policy version 6");
  // Whole and fit, but not of the run that drives: perhaps an older one at the same address.
  ExpectRefused(StandingPolicy(900, "an-older-run"), "run 'run' drives the robot");
  ExpectPolicyDrives();
  // Its own run's next version is taken as ever.
  Publish(StandingPolicy(7));
  EXPECT_TRUE(HasVersion(7)) << Logs();
  ExpectStands(absl::Seconds(1));
  EndAndExpectExactlyOnce();
}

TEST_F(Policies, OfAnotherRunAreTakenOnceTheMotorsAreOff) {
  StartAll();
  Stand();
  ExpectRefused(StandingPolicy(5, "the-next-run"), "disarm it");
  ASSERT_TRUE(Disarm().ok());
  EXPECT_TRUE(HasVersion(5)) << Logs();
}

class Calls : public StandingRobot {};

TEST_F(Calls, AFloodOfThemChangesNothing) {
  StartAll();
  Stand();
  std::atomic<bool> stop{false};
  std::atomic<int> calls{0};
  std::vector<std::thread> flood;
  for (int i = 0; i < 6; ++i) {
    flood.emplace_back([&, i] {
      const auto stub = v1::RobotOperator::NewStub(process::MakeChannel(address_));
      while (!stop) {
        grpc::ClientContext context;
        process::SetDeadline(context, absl::Seconds(5));
        v1::RobotStatus status;
        ++calls;
        if (i % 3 == 0) {
          stub->Status(&context, v1::RobotStatusRequest(), &status);
        } else if (i % 3 == 1) {
          v1::SetModeRequest mode;
          mode.set_mode(v1::ROBOT_STATE_POLICY);
          stub->SetMode(&context, mode, &status);
        } else {
          // Steers without ever being chosen, as fast as it goes, nonsense among it.
          const auto stream = stub->Steer(&context);
          v1::OperatorAction action;
          action.set_operator_("flood");
          action.add_action(calls % 7 == 0 ? 99.0f : 0.9f);
          for (int k = 0; k < 200 && stream->Write(action); ++k) {
          }
          context.TryCancel();
          stream->Finish();
        }
      }
    });
  }
  ExpectStands(absl::Seconds(5));
  stop = true;
  for (std::thread& thread : flood) thread.join();
  EXPECT_GT(calls.load(), 50) << "that was no flood";
  ExpectPolicyDrives();
  EndAndExpectExactlyOnce();
}

class WallClock : public StandingRobot {
 protected:
  WallClock() {
    const std::string path = folder_ + "/wall_clock_offset";
    const int file = open(path.c_str(), O_RDWR | O_CREAT, 0600);
    EXPECT_EQ(ftruncate(file, sizeof(int64_t)), 0);
    offset_ = static_cast<volatile int64_t*>(
        mmap(nullptr, sizeof(int64_t), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
    close(file);
    prefix_ = {"/usr/bin/env", absl::StrCat("LD_PRELOAD=", ESTUARY_WALL_CLOCK_SHIM),
               absl::StrCat("ESTUARY_WALL_CLOCK_OFFSET=", path)};
  }
  void SetBy(absl::Duration offset) { *offset_ = absl::ToInt64Nanoseconds(offset); }

  volatile int64_t* offset_ = nullptr;
};

TEST_F(WallClock, JumpsForthAndBack) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer must be the first library of a process";
#endif
  StartAll();
  Stand();
  // The log's times show that the clock is the one that the test sets.
  SetBy(absl::Hours(24 * 400));
  ExpectStands(absl::Seconds(2));
  SetBy(-absl::Hours(24 * 400));
  ExpectStands(absl::Seconds(2));
  // While the replay is away, so that the bridge waits, and tries again, across the jumps.
  KillReplay();
  SetBy(absl::Hours(1));
  ExpectStands(absl::Seconds(1));
  SetBy(-absl::Hours(1));
  ExpectStands(absl::Seconds(1));
  // An operator is heard at once whatever the clock says.
  EXPECT_TRUE(SetMode(v1::ROBOT_STATE_FALLBACK).ok());
  SetBy(-absl::Hours(2));
  EXPECT_TRUE(SetMode(v1::ROBOT_STATE_POLICY).ok());
  ExpectStands(absl::Seconds(1));
  StartReplay();
  ExpectPolicyDrives();
  EndAndExpectExactlyOnce();
}

}  // namespace
}  // namespace estuary::bridge
