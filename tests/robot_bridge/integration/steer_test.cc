// An operator's stream of actions into a bridge that drives the emulated robot.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "tests/robot_bridge/integration/bench.h"

namespace estuary::bridge {
namespace {

using testing::HasSubstr;

// Answers every view as the fallback controller would, until told to fall silent.
class Operator {
 public:
  Operator(v1::RobotOperator::Stub& stub, const std::string& name) {
    stream_ = stub.Steer(&context_);
    v1::OperatorAction hello;
    hello.set_operator_(name);
    stream_->Write(hello);
    thread_ = std::thread([this] { Answer(); });
  }
  ~Operator() { End(); }

  void FallSilent() { silent_ = true; }
  // Answers this old observation again and again.
  void AnswerOnly(uint64_t sequence) { only_ = sequence; }
  uint64_t seen() const { return seen_; }
  grpc::Status End() {
    if (thread_.joinable()) {
      context_.TryCancel();
      thread_.join();
      ended_ = stream_->Finish();
    }
    return ended_;
  }
  // Where the bridge ends the call.
  grpc::Status Refusal() {
    thread_.join();
    return ended_ = stream_->Finish();
  }

 private:
  void Answer() {
    v1::OperatorView view;
    while (stream_->Read(&view)) {
      seen_ = view.observation_sequence();
      if (silent_ || view.observation_size() != 4) continue;
      v1::OperatorAction action;
      const float u = 7 * (view.observation(0) + 0.107f) + 1.2f * view.observation(1) +
                      2.5f * view.observation(2) + 2.2f * view.observation(3);
      action.add_action(std::clamp(u, -1.0f, 1.0f));
      action.set_observation_sequence(only_ != 0 ? only_.load() : view.observation_sequence());
      if (!stream_->Write(action)) return;
    }
  }

  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::OperatorAction, v1::OperatorView>> stream_;
  std::atomic<bool> silent_{false};
  std::atomic<uint64_t> only_{0};
  std::atomic<uint64_t> seen_{0};
  grpc::Status ended_;
  std::thread thread_;
};

class SteerTest : public Bench {
 protected:
  void SetUp() override {
    StartBridge();
    StartRobot({"--seconds=1000", "--stop_at_fall"});
    ArmWhenThere();
  }
  // Hands the robot over; refused while no action has come yet.
  bool TakeOver() {
    return WaitFor(
        [this](const v1::RobotStatus&) { return SetMode(v1::ROBOT_STATE_OPERATOR).ok(); });
  }
  bool FallsBack() {
    return WaitFor([](const v1::RobotStatus& status) {
      return status.state() == v1::ROBOT_STATE_FALLBACK &&
             status.reason_code() == "operator_silent";
    });
  }
};

TEST_F(SteerTest, AnOperatorKeepsTheRobotStandingAndTheFallbackTakesOverWhenHeFallsSilent) {
  EXPECT_EQ(SetMode(v1::ROBOT_STATE_OPERATOR).code(), absl::StatusCode::kFailedPrecondition);
  Operator anna(*stub_, "anna");
  ASSERT_TRUE(TakeOver()) << bridge_->Output();
  EXPECT_EQ(Status().operator_(), "anna");
  ASSERT_TRUE(WaitFor([](const v1::RobotStatus& s) { return s.operator_transitions() > 300; }))
      << Status().DebugString();
  anna.FallSilent();
  ASSERT_TRUE(FallsBack()) << Status().DebugString();
  EXPECT_FALSE(robot_->Wait(absl::ZeroDuration()).has_value()) << robot_->Output();
}

TEST_F(SteerTest, AnActionIsAsOldAsWhatItsOperatorHadSeen) {
  Operator anna(*stub_, "anna");
  ASSERT_TRUE(TakeOver());
  // Actions go on as fast as ever, but they answer what is long gone.
  anna.AnswerOnly(anna.seen());
  ASSERT_TRUE(FallsBack()) << Status().DebugString();
  EXPECT_TRUE(WaitFor([](const v1::RobotStatus& s) { return s.operator_actions_stale() > 10; }));
}

TEST_F(SteerTest, OneSteersAtATime) {
  Operator anna(*stub_, "anna");
  ASSERT_TRUE(TakeOver());
  Operator bert(*stub_, "bert");
  const grpc::Status refused = bert.Refusal();
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_THAT(refused.error_message(), HasSubstr("operator 'anna' steers robot 'robot' already"));
  EXPECT_EQ(Status().state(), v1::ROBOT_STATE_OPERATOR);
  anna.End();
  ASSERT_TRUE(FallsBack());
  Operator carl(*stub_, "carl");
  ASSERT_TRUE(WaitFor([](const v1::RobotStatus& s) { return s.operator_() == "carl"; }));
  absl::SleepFor(absl::Seconds(1));
  EXPECT_EQ(Status().state(), v1::ROBOT_STATE_FALLBACK) << "nobody handed it to him";
  EXPECT_TRUE(TakeOver());
}

}  // namespace
}  // namespace estuary::bridge
