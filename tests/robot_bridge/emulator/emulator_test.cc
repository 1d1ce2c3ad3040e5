#include "robot_bridge/emulator/emulator.h"

#include <gtest/gtest.h>

#include <cmath>

#include "robot_bridge/client/watchdog.h"
#include "robot_bridge/tasks.h"
#include "worlds/wheel_legged/wheel_legged_task.h"

namespace estuary::bridge {
namespace {

constexpr int64_t kPeriod = Emulator::kPeriodNs;

class EmulatorTest : public testing::Test {
 protected:
  void Make(EmulatorOptions options = {}) {
    options.hold_periods = 2;
    emulator_ = std::make_unique<Emulator>(options, *Plant::Make("wheel_legged_stand"));
    newest_ = Observation();
  }
  // A command that answers the newest observation and arrives `after` the period's begin.
  void Command(float action, int64_t after, bool torque_on = true) {
    ReceivedCommand received;
    received.command.observation_sequence = newest_.sequence;
    received.command.action_dim = 1;
    received.command.action[0] = action;
    received.command.torque_on = torque_on;
    received.arrival_ns = now_ + after;
    emulator_->Arrived(received);
  }
  const Observation& Period() {
    newest_ = emulator_->EndPeriod(now_);
    now_ += kPeriod;
    return newest_;
  }
  // What the fallback controller wants now.
  float Fallback() {
    ActionArray action{};
    Evaluate(task_.loop.feedback, newest_.observation.data(), action.data());
    return action[0];
  }
  // Let go, under the fallback controller.
  void LetGo() {
    for (int i = 0; i < 10 && !emulator_->driven(); ++i) {
      Command(0, kMillisecond / 2);
      Period();
    }
    ASSERT_TRUE(emulator_->driven());
    ASSERT_TRUE(newest_.episode_start);
  }

  const RobotTask task_ = *FindRobotTask("wheel_legged_stand");
  std::unique_ptr<Emulator> emulator_;
  Observation newest_;
  int64_t now_ = kSecond;
};

TEST_F(EmulatorTest, IsHeldInItsPoseUntilTheMotorsComeOn) {
  Make();
  const Observation first = Period();
  EXPECT_EQ(first.sequence, 1u);
  EXPECT_EQ(first.observation_dim, 4u);
  for (int i = 0; i < 100; ++i) Period();
  EXPECT_EQ(newest_.observation, first.observation);
  EXPECT_EQ(newest_.sequence, 101u);
  EXPECT_EQ(newest_.applied_sequence, 0u);
  EXPECT_EQ(newest_.robot_time_ns, now_);
  Command(0.5f, 100, /*torque_on=*/false);
  Period();
  EXPECT_FALSE(emulator_->driven());
  Command(0.5f, 100);
  Period();
  Period();
  EXPECT_FALSE(emulator_->driven()) << "whoever drives it is being chosen";
  Period();
  EXPECT_TRUE(emulator_->driven());
  EXPECT_TRUE(newest_.episode_start);
  EXPECT_EQ(newest_.observation, first.observation);
  Period();
  EXPECT_FALSE(newest_.episode_start);
  EXPECT_NE(newest_.observation, first.observation);
}

TEST_F(EmulatorTest, ACommandWithinTheFirstMillisecondHasTheWholePeriod) {
  Make();
  LetGo();
  const uint64_t answered = newest_.sequence;
  Command(0.25f, kMillisecond);
  const Observation observation = Period();
  EXPECT_EQ(observation.applied_sequence, answered);
  EXPECT_EQ(observation.applied_dim, 1u);
  EXPECT_EQ(observation.applied_action[0], 0.25f);
  EXPECT_FALSE(observation.applied_changed);
}

TEST_F(EmulatorTest, ALaterCommandSplitsThePeriodAndActsFromWhereItCame) {
  Make();
  LetGo();
  Command(0.25f, kMillisecond / 2);
  Period();
  Command(-0.5f, 3 * kMillisecond + 1);
  const Observation split = Period();
  EXPECT_TRUE(split.applied_changed);
  EXPECT_EQ(emulator_->episode().split_periods, 1);
  // In the next period it is the only one.
  const Observation held = Period();
  EXPECT_FALSE(held.applied_changed);
  EXPECT_EQ(held.applied_action[0], -0.5f);
  EXPECT_EQ(held.applied_sequence, newest_.sequence - 2);
}

TEST_F(EmulatorTest, ACommandDoesNotActBeforeItArrives) {
  Make();
  LetGo();
  Command(0.25f, kPeriod + 1);
  const Observation before = Period();
  EXPECT_EQ(before.applied_action[0], 0);
  const Observation after = Period();
  EXPECT_EQ(after.applied_action[0], 0.25f);
  EXPECT_FALSE(after.applied_changed);
}

TEST_F(EmulatorTest, StandsUnderTheFallbackController) {
  EmulatorOptions options;
  options.episode_periods = 2000;
  Make(options);
  LetGo();
  while (emulator_->driven()) {
    Command(Fallback(), 300 * kMicrosecond);
    Period();
  }
  const EpisodeSummary& episode = emulator_->episode();
  EXPECT_EQ(episode.end, EpisodeEnd::kTime);
  EXPECT_EQ(episode.periods, 2000);
  EXPECT_LT(episode.max_abs_x, 0.15);
  EXPECT_GT(episode.episode_return, 50'000);
  EXPECT_EQ(episode.split_periods, 0);
  EXPECT_EQ(episode.lateness_max_ns, 300 * kMicrosecond);
}

TEST_F(EmulatorTest, ItsWatchdogHoldsTheLastCommandThenTurnsTheMotorsOffAndItFalls) {
  Make();
  LetGo();
  Command(0.1f, 3 * kMillisecond);
  for (int i = 0; i < 20; ++i) Period();
  EXPECT_EQ(newest_.applied_action[0], 0.1f) << "held for 100 ms";
  Period();
  EXPECT_TRUE(newest_.applied_changed) << "then off, half-way in a period";
  Period();
  EXPECT_EQ(newest_.applied_sequence, 0u);
  for (int i = 0; i < 400 && emulator_->driven(); ++i) Period();
  EXPECT_EQ(emulator_->episode().end, EpisodeEnd::kFallen);
  EXPECT_GT(emulator_->episode().unpowered_periods, 5);
  EXPECT_GT(std::abs(newest_.observation[0]), 0.35f) << "the last observation is the fall itself";
}

TEST_F(EmulatorTest, StartsTheNextEpisodeWhereItWasPutBack) {
  EmulatorOptions options;
  options.episode_periods = 5;
  Make(options);
  LetGo();
  const Observation first = newest_;
  for (int i = 0; i < 5; ++i) {
    Command(0, 0);
    Period();
  }
  EXPECT_EQ(emulator_->episodes_ended(), 1);
  EXPECT_FALSE(emulator_->driven());
  LetGo();
  EXPECT_NE(newest_.observation, first.observation) << "another pose";
  EXPECT_EQ(emulator_->episode().periods, 0);
}

TEST_F(EmulatorTest, LeavesItsAreaWhereThatIsLimited) {
  for (const bool limited : {true, false}) {
    EmulatorOptions options;
    options.area_limited = limited;
    options.episode_periods = 4000;
    Make(options);
    LetGo();
    // Stands, but about a place that moves away.
    Feedback feedback = task_.loop.feedback;
    while (emulator_->driven() && std::abs(newest_.observation[2]) < 0.6f) {
      feedback.target[2] += 0.0005f;
      ActionArray action{};
      Evaluate(feedback, newest_.observation.data(), action.data());
      Command(action[0], 0);
      Period();
    }
    EXPECT_EQ(emulator_->episode().end, limited ? EpisodeEnd::kLeftArea : EpisodeEnd::kNone);
  }
}

TEST(Plant, HasARobotForTheRobotsTasksAlone) {
  EXPECT_EQ(Plant::Make("wheel_legged_move").value()->identity().observation_dim, 3u);
  EXPECT_EQ(Plant::Make("walker2d").status().code(), absl::StatusCode::kNotFound);
}

// The bridge rewards without a simulator; it must be the worlds' reward to the bit.
TEST(RobotTask, RewardsAndEndsAsTheWorldsDo) {
  worlds::Random random(7);
  const RobotTask stand = *FindRobotTask("wheel_legged_stand");
  const RobotTask move = *FindRobotTask("wheel_legged_move");
  for (int i = 0; i < 1000; ++i) {
    const auto draw = [&random](double range) {
      return static_cast<float>(random.Uniform(-range, range));
    };
    const float pitch = draw(0.5), rate = draw(2), x = draw(0.6), speed = draw(1);
    const float action = draw(1);
    const worlds::WheelLeggedState state{pitch, rate, x, speed};
    const float stand_observation[] = {pitch, rate, x, speed};
    const float move_observation[] = {pitch, rate, speed};
    EXPECT_EQ(stand.loop.task.reward(stand_observation, &action),
              worlds::WheelLeggedReward(worlds::WheelLeggedGoal::kStand, state, action * 10.0));
    EXPECT_EQ(move.loop.task.reward(move_observation, &action),
              worlds::WheelLeggedReward(worlds::WheelLeggedGoal::kMove, state, action * 10.0));
    EXPECT_EQ(stand.loop.task.terminal(stand_observation), std::abs(state.pitch) > 0.35);
  }
}

TEST(RobotTask, HasTheWorldsFallbackGains) {
  for (const char* name : {"wheel_legged_stand", "wheel_legged_move"}) {
    const RobotTask task = *FindRobotTask(name);
    const bool standing = task.loop.task.observation_dim == 4;
    const worlds::WheelLeggedGains& gains =
        standing ? worlds::kWheelLeggedStandFallback : worlds::kWheelLeggedMoveFallback;
    const worlds::WheelLeggedState state{-.1, .02, .01, .03};
    const float standing_observation[] = {-.1f, .02f, .01f, .03f};
    const float moving_observation[] = {-.1f, .02f, .03f};
    float action = 0;
    Evaluate(task.loop.feedback, standing ? standing_observation : moving_observation, &action);
    EXPECT_NEAR(action * 10, gains.Torque(state), 1e-5) << name;
  }
}

TEST(Watchdog, HoldsThenTurnsOff) {
  const Watchdog watchdog;
  EXPECT_EQ(watchdog.At(kSecond + 19 * kMillisecond, kSecond), Watchdog::Verdict::kFresh);
  EXPECT_EQ(watchdog.At(kSecond + 20 * kMillisecond, kSecond), Watchdog::Verdict::kHold);
  EXPECT_EQ(watchdog.At(kSecond + 100 * kMillisecond, kSecond), Watchdog::Verdict::kOff);
}

}  // namespace
}  // namespace estuary::bridge
