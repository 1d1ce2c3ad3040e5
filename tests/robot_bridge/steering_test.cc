#include "robot_bridge/steering.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <limits>
#include <vector>

#include "absl/time/clock.h"
#include "robot_bridge/loop/clock.h"
#include "robot_bridge/tasks.h"
#include "tests/robot_bridge/no_driver.h"

namespace estuary::bridge {
namespace {

using testing::HasSubstr;

class SteeringTest : public testing::Test {
 protected:
  // The loop says that this observation has come.
  void Observe(uint64_t sequence, uint64_t link = 1) {
    LoopStatus status;
    status.state = State::kOperator;
    status.link = link;
    status.observation_sequence = sequence;
    status.observation_ns = Now();
    status.observation_dim = 4;
    status.observation[0] = static_cast<float>(sequence);
    telemetry_.status.Put(status);
  }
  Steering::Operator Operator(const std::string& name) {
    return {.name = name,
            .show = [this](const v1::OperatorView& view) { shown_ = view.observation_sequence(); },
            .end = [this](const absl::Status&) { ended_ = true; }};
  }
  bool Shown(uint64_t sequence) {
    for (int i = 0; i < 2000 && shown_ != sequence; ++i) absl::SleepFor(absl::Milliseconds(1));
    return shown_ == sequence;
  }
  static v1::OperatorAction Action(float value, uint64_t sequence = 0, uint32_t episode = 0) {
    v1::OperatorAction action;
    action.add_action(value);
    action.set_observation_sequence(sequence);
    action.set_episode(episode);
    return action;
  }
  bool Taken(OperatorInput& input) { return input_.Take(input); }

  RobotTask task_ = *FindRobotTask("wheel_legged_stand");
  LoopTelemetry telemetry_;
  NoDriver driver_;
  process::Metrics metrics_;
  Mailbox<OperatorInput> input_;
  StatusBoard board_{"robot", task_, &telemetry_, &driver_, nullptr};
  std::atomic<uint64_t> shown_{0};
  std::atomic<bool> ended_{false};
  Steering steering_{{.robot = "robot",
                      .loop = &task_.loop,
                      .input = &input_,
                      .board = &board_,
                      .metrics = &metrics_}};
};

TEST_F(SteeringTest, HandsTheActionOnWithTheAgeOfTheObservationThatItAnswers) {
  const uint64_t ticket = *steering_.Claim(Operator("anna"));
  const int64_t before = Now();
  Observe(7);
  ASSERT_TRUE(Shown(7));
  ASSERT_TRUE(steering_.Act(ticket, Action(0.5f, 7, 3)).ok());
  OperatorInput input;
  ASSERT_TRUE(Taken(input));
  EXPECT_EQ(input.action[0], 0.5f);
  EXPECT_EQ(input.episode, 3u);
  EXPECT_EQ(input.ticket, ticket);
  EXPECT_GE(input.at_ns, before);
  v1::RobotStatus status;
  board_.Fill(status);
  EXPECT_EQ(status.operator_(), "anna");
}

TEST_F(SteeringTest, DropsAndCountsAnActionThatAnswersAnOldObservation) {
  const uint64_t ticket = *steering_.Claim(Operator("anna"));
  Observe(7);
  ASSERT_TRUE(Shown(7));
  SleepUntil(Now() + task_.loop.operator_silent_ns + 10 * kMillisecond);
  ASSERT_TRUE(steering_.Act(ticket, Action(0.5f, 7)).ok());
  OperatorInput input;
  EXPECT_FALSE(Taken(input));
  // One that was never seen is no better.
  ASSERT_TRUE(steering_.Act(ticket, Action(0.5f, 12345)).ok());
  EXPECT_FALSE(Taken(input));
  v1::RobotStatus status;
  board_.Fill(status);
  EXPECT_EQ(status.operator_actions_stale(), 2u);
}

TEST_F(SteeringTest, ForgetsTheObservationsOfAnOldConnection) {
  const uint64_t ticket = *steering_.Claim(Operator("anna"));
  Observe(7, /*link=*/1);
  ASSERT_TRUE(Shown(7));
  Observe(1, /*link=*/2);
  ASSERT_TRUE(Shown(1));
  ASSERT_TRUE(steering_.Act(ticket, Action(0.5f, 7)).ok());
  OperatorInput input;
  EXPECT_FALSE(Taken(input));
}

TEST_F(SteeringTest, RefusesActionsThatAreNone) {
  const uint64_t ticket = *steering_.Claim(Operator("anna"));
  const absl::Status nan = steering_.Act(ticket, Action(std::numeric_limits<float>::quiet_NaN()));
  EXPECT_EQ(nan.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(nan.message()), HasSubstr("action[0] must be within [-1, 1], got nan"));
  v1::OperatorAction wide = Action(0);
  wide.add_action(0);
  EXPECT_THAT(std::string(steering_.Act(ticket, wide).message()),
              HasSubstr("takes actions of 1, got 2"));
  EXPECT_EQ(steering_.Act(ticket, Action(1.5f)).code(), absl::StatusCode::kInvalidArgument);
  OperatorInput input;
  EXPECT_FALSE(Taken(input));
}

TEST_F(SteeringTest, LetsOneSteerAtATimeAndTheNextOnceHeHasLeft) {
  const uint64_t first = *steering_.Claim(Operator("anna"));
  const auto second = steering_.Claim(Operator("bert"));
  EXPECT_EQ(second.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("'anna' steers robot 'robot'"));
  steering_.Leave(first);
  OperatorInput input;
  ASSERT_TRUE(Taken(input)) << "the loop is told";
  EXPECT_EQ(input.at_ns, 0);
  const auto third = steering_.Claim(Operator("bert"));
  ASSERT_TRUE(third.ok());
  EXPECT_NE(*third, first);
  EXPECT_EQ(steering_.Act(first, Action(0.1f)).code(), absl::StatusCode::kAborted);
  // One who has left already changes nothing.
  steering_.Leave(first);
  EXPECT_TRUE(steering_.Act(*third, Action(0.1f)).ok());
}

TEST_F(SteeringTest, EndsWhoeverSteersWhenItStops) {
  ASSERT_TRUE(steering_.Claim(Operator("anna")).ok());
  steering_.Stop();
  EXPECT_TRUE(ended_);
  EXPECT_EQ(steering_.Claim(Operator("bert")).status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace estuary::bridge
