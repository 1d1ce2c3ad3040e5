// What people's devices send, and what becomes of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/input.h>
#include <linux/joystick.h>

#include <cmath>
#include <string>
#include <vector>

#include "cli/data/recorded.h"
#include "cli/steer/gamepad.h"
#include "cli/steer/keyboard.h"
#include "cli/steer/stick_hand.h"

namespace estuary::cli {
namespace {

constexpr int64_t kMs = 1'000'000;

TEST(KeyReader, HoldsAnArrowUntilItsRepetitionIsOverdue) {
  KeyReader reader;
  reader.Take("\x1b[A", 0);
  EXPECT_EQ(reader.State(100 * kMs).forward, 1);
  // Held down: the terminal repeats it after half a second, then fast.
  for (int64_t ms = 500; ms <= 1000; ms += 33) reader.Take("\x1b[A", ms * kMs);
  EXPECT_EQ(reader.State(1100 * kMs).forward, 1);
  EXPECT_EQ(reader.State(1300 * kMs).forward, 0) << "let go";
}

TEST(KeyReader, TurnsAroundAtOnce) {
  KeyReader reader;
  reader.Take("\x1b[C", 0);
  reader.Take("\x1b[D", 10 * kMs);
  EXPECT_EQ(reader.State(20 * kMs).sideways, -1);
}

TEST(KeyReader, TakesSequencesThatComeInPieces) {
  KeyReader reader;
  reader.Take("\x1b", 0);
  reader.Take("[", 1);
  reader.Take("B", 2);
  EXPECT_EQ(reader.State(3).forward, -1);
  EXPECT_EQ(reader.State(3).sideways, 0);
}

TEST(KeyReader, GivesEachWishOnce) {
  KeyReader reader;
  reader.Take("rn q", 0);
  const StickState state = reader.State(0);
  EXPECT_TRUE(state.wishes.arm);
  EXPECT_TRUE(state.wishes.new_episode);
  EXPECT_TRUE(state.wishes.stop);
  EXPECT_TRUE(state.wishes.quit);
  EXPECT_FALSE(reader.State(0).wishes.quit);
}

TEST(KeyReader, IgnoresKeysWithoutMeaning) {
  KeyReader reader;
  reader.Take("\x1b[H\x1bxzz\x01", 0);
  const StickState state = reader.State(0);
  EXPECT_EQ(state.forward, 0);
  EXPECT_FALSE(state.wishes.quit);
}

std::string JsEvent(uint8_t type, uint8_t number, int16_t value) {
  const js_event event = {.time = 0, .value = value, .type = type, .number = number};
  return {reinterpret_cast<const char*>(&event), sizeof(event)};
}

TEST(GamepadReader, ReadsAJoysticksStick) {
  GamepadReader reader(/*joystick=*/true);
  reader.Take(JsEvent(JS_EVENT_AXIS, 1, -32767) + JsEvent(JS_EVENT_AXIS, 0, 16384));
  EXPECT_EQ(reader.State().forward, 1) << "devices count downwards";
  EXPECT_NEAR(reader.State().sideways, 0.5, 1e-3);
  reader.Take(JsEvent(JS_EVENT_AXIS, 1, 900));
  EXPECT_EQ(reader.State().forward, 0) << "nobody touches it";
}

TEST(GamepadReader, TakesEventsThatComeInPieces) {
  GamepadReader reader(true);
  for (const char byte : JsEvent(JS_EVENT_AXIS, 1, -32767)) reader.Take(std::string(1, byte));
  EXPECT_EQ(reader.State().forward, 1);
}

TEST(GamepadReader, TellsAPressedButtonFromOneThatWasDownAlready) {
  GamepadReader reader(true);
  reader.Take(JsEvent(JS_EVENT_BUTTON | JS_EVENT_INIT, 1, 1));
  EXPECT_FALSE(reader.State().wishes.stop);
  reader.Take(JsEvent(JS_EVENT_BUTTON, 1, 1));
  EXPECT_TRUE(reader.State().wishes.stop);
  EXPECT_FALSE(reader.State().wishes.stop);
}

TEST(GamepadReader, ReadsAnEventDeviceInItsOwnRange) {
  GamepadReader reader(/*joystick=*/false, 0, 255);
  input_event event{};
  event.type = EV_ABS;
  event.code = ABS_Y;
  event.value = 0;
  reader.Take({reinterpret_cast<const char*>(&event), sizeof(event)});
  EXPECT_EQ(reader.State().forward, 1);
  event.type = EV_KEY;
  event.code = BTN_SOUTH;
  event.value = 1;
  reader.Take({reinterpret_cast<const char*>(&event), sizeof(event)});
  EXPECT_TRUE(reader.State().wishes.arm);
}

worlds::TaskSpec Spec(const std::string& name, int observation_dim) {
  worlds::TaskSpec spec;
  spec.name = name;
  spec.observation_dim = observation_dim;
  spec.action_dim = 1;
  spec.control_period = 0.005;
  return spec;
}

TEST(Hands, NamesTheKindsThereAre) {
  const worlds::TaskSpec task = Spec("wheel_legged_stand", 4);
  const auto hand = MakeHand({.kind = "telepathy"}, task);
  EXPECT_EQ(hand.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(hand.status().message()),
              testing::HasSubstr("scripted, keyboard or gamepad, got 'telepathy'"));
  EXPECT_EQ(MakeHand({.kind = "gamepad", .device = "/no/such/js0"}, task).status().code(),
            absl::StatusCode::kNotFound);
}

TEST(Hands, TheScriptKeepsWithinTheActionsAndGivesTheSameForTheSameSeed) {
  const worlds::TaskSpec task = Spec("wheel_legged_move", 3);
  const auto first = MakeHand({.seed = 7}, task);
  const auto second = MakeHand({.seed = 7}, task);
  ASSERT_TRUE(first.ok() && second.ok());
  const std::vector<float> observation = {-0.1f, 0.2f, 0.4f};
  for (int i = 0; i < 1000; ++i) {
    float a = 2;
    float b = 2;
    (*first)->Act(observation, {&a, 1});
    (*second)->Act(observation, {&b, 1});
    ASSERT_LE(std::abs(a), 1);
    ASSERT_EQ(a, b);
  }
}

class FixedStick : public Stick {
 public:
  explicit FixedStick(double forward) : forward_(forward) {}
  StickState Read() override { return {.forward = forward_}; }
  std::string name() const override { return "fixed"; }
  std::string help() const override { return "none"; }

 private:
  const double forward_;
};

TEST(Hands, AStickAtRestLetsTheStabiliserHoldTheBalancedRobotWhereItIs) {
  const worlds::TaskSpec task = Spec("wheel_legged_stand", 4);
  const auto hand = MakeStickHand(task, std::make_unique<FixedStick>(0));
  hand->StartEpisode();
  float action = 2;
  const std::vector<float> balanced = {-0.107f, 0, 0.3f, 0};
  for (int i = 0; i < 3; ++i) hand->Act(balanced, {&action, 1});
  EXPECT_NEAR(action, 0, 1e-4);
  const auto pushing = MakeStickHand(task, std::make_unique<FixedStick>(1));
  pushing->Act(balanced, {&action, 1});
  // To go forward it first leans forward: the wheels go back.
  EXPECT_LT(action, -0.1f);
}

Recorded Rows(const std::vector<std::pair<float, float>>& steps,
              const std::vector<uint32_t>& episodes) {
  Recorded recorded;
  recorded.columns.observation_dim = 1;
  recorded.columns.action_dim = 1;
  for (size_t i = 0; i < steps.size(); ++i) {
    recorded.columns.observation.push_back(steps[i].first);
    recorded.columns.next_observation.push_back(steps[i].second);
    recorded.columns.action.push_back(0);
    recorded.columns.reward.push_back(0);
    recorded.columns.terminal.push_back(0);
    recorded.columns.timeout.push_back(0);
    recorded.source.push_back(4);
    recorded.policy_version.push_back(0);
    recorded.episode.push_back(episodes[i]);
  }
  return recorded;
}

TEST(Recorded, ARowThatTheNextDoesNotGoOnFromIsATimeout) {
  Recorded recorded = Rows({{0, 1}, {1, 2}, {5, 6}, {6, 7}, {7, 8}}, {1, 1, 1, 1, 2});
  recorded.columns.terminal[3] = 1;
  MarkCuts(0, recorded);
  EXPECT_THAT(recorded.columns.timeout, testing::ElementsAre(0, 1, 0, 0, 1));
  KeepFirst(3, recorded);
  EXPECT_EQ(recorded.columns.size(), 3u);
  EXPECT_THAT(recorded.columns.timeout, testing::ElementsAre(0, 1, 1));
}

}  // namespace
}  // namespace estuary::cli
