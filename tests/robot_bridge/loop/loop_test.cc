#include "robot_bridge/loop/loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <thread>

#include "tests/robot_bridge/loop/fake_robot.h"

namespace estuary::bridge {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Armed and in POLICY under version 3, whose action is 0.5.
void StartPolicy(Rig& rig) {
  rig.Ticks(2);
  rig.Offer(3, 0.5f);
  rig.Tick();
  ASSERT_EQ(rig.Ask(Event::kArm), Answer::kDone);
  ASSERT_EQ(rig.Ask(Event::kChoosePolicy), Answer::kDone);
  rig.Ticks(2);
  ASSERT_EQ(rig.loop.state(), State::kPolicy);
}

TEST(Loop, KeepsTheMotorsOffUntilItIsArmed) {
  Rig rig;
  rig.Ticks(3);
  EXPECT_EQ(rig.robot.sent, 3);
  EXPECT_FALSE(rig.robot.last.torque_on);
  EXPECT_EQ(rig.robot.last.observation_sequence, 3u);
  EXPECT_EQ(rig.Ask(Event::kArm), Answer::kDone);
  rig.Tick(0.2f);
  EXPECT_TRUE(rig.robot.last.torque_on);
  EXPECT_FLOAT_EQ(rig.robot.last.action[0], 0.2f) << "the fallback controller holds it";
}

TEST(Loop, RefusesToArmWithoutARobot) {
  Rig rig;
  EXPECT_EQ(rig.Ask(Event::kArm), Answer::kNoRobot);
  rig.Tick();
  rig.Silence(kSecond);
  EXPECT_EQ(rig.Ask(Event::kArm), Answer::kNoRobot);
}

TEST(Loop, RefusesToArmOutsideTheEnvelopeOrOnABadObservation) {
  Rig rig;
  rig.Tick(0.9f);
  EXPECT_EQ(rig.Ask(Event::kArm), Answer::kOutsideEnvelope);
  rig.Tick(kNan);
  EXPECT_EQ(rig.Ask(Event::kArm), Answer::kObservationUnusable);
  EXPECT_EQ(rig.loop.state(), State::kDisarmed);
}

TEST(Loop, RefusesModesThatCannotAct) {
  Rig rig;
  rig.Ticks(2);
  EXPECT_EQ(rig.Ask(Event::kChoosePolicy), Answer::kNotFromHere);
  rig.Ask(Event::kArm);
  EXPECT_EQ(rig.Ask(Event::kChoosePolicy), Answer::kNoPolicy);
  EXPECT_EQ(rig.Ask(Event::kChooseOperator), Answer::kNoOperator);
  EXPECT_EQ(rig.Ask(Event::kChooseFallback), Answer::kDone);
  EXPECT_EQ(rig.Ask(Event::kArm), Answer::kAlready);
}

TEST(Loop, ActsByThePolicyAndRecordsWhatItDid) {
  Rig rig;
  StartPolicy(rig);
  EXPECT_FLOAT_EQ(rig.robot.last.action[0], 0.5f);
  rig.Recorded();
  rig.Ticks(10);
  const std::vector<Transition> recorded = rig.Recorded();
  ASSERT_EQ(recorded.size(), 10u);
  for (const Transition& transition : recorded) {
    EXPECT_EQ(transition.next_observation[2], transition.observation[2] + 1);
    EXPECT_FALSE(transition.truncated);
  }
  EXPECT_EQ(recorded.back().source, Source::kPolicy);
  EXPECT_EQ(recorded.back().policy_version, 3u);
  EXPECT_EQ(rig.telemetry.counters.observation_gaps.Get(), 0u);
}

TEST(Loop, SwapsPolicyVersionsBetweenTicks) {
  Rig rig;
  StartPolicy(rig);
  rig.Offer(4, -0.5f);
  rig.Tick();
  EXPECT_FLOAT_EQ(rig.robot.last.action[0], -0.5f);
}

TEST(Loop, FadesFromOneVersionToTheNext) {
  LoopConfig config = TestConfig();
  config.fade_ticks = 3;
  Rig rig(config);
  StartPolicy(rig);
  rig.Offer(4, -0.5f);
  std::vector<float> actions;
  for (int i = 0; i < 4; ++i) {
    rig.Tick();
    actions.push_back(rig.robot.last.action[0]);
  }
  EXPECT_THAT(actions, testing::ElementsAre(testing::FloatEq(0.25f), testing::FloatNear(0, 1e-6),
                                            testing::FloatEq(-0.25f), testing::FloatEq(-0.5f)));
}

TEST(Loop, AnswersABadObservationByTheFallbackOnTheLastGoodOneAndComesBack) {
  Rig rig;
  StartPolicy(rig);
  rig.Tick(0.1f);
  rig.Tick(kNan);
  EXPECT_EQ(rig.loop.state(), State::kFallback);
  EXPECT_TRUE(rig.robot.last.torque_on);
  EXPECT_FLOAT_EQ(rig.robot.last.action[0], 0.1f);
  rig.Ticks(2);
  EXPECT_EQ(rig.loop.state(), State::kFallback);
  rig.Ticks(2);
  EXPECT_EQ(rig.loop.state(), State::kPolicy) << "three good ticks and the policy acts again";
}

TEST(Loop, StopsAfterSeveralBadObservationsInARow) {
  Rig rig;
  StartPolicy(rig);
  for (int i = 0; i < 3; ++i) rig.Tick(kNan);
  EXPECT_EQ(rig.loop.state(), State::kFallback);
  rig.Tick(kNan);
  EXPECT_EQ(rig.loop.state(), State::kEstop);
  EXPECT_FALSE(rig.robot.last.torque_on);
  rig.Ticks(100);
  EXPECT_EQ(rig.loop.state(), State::kEstop) << "only an operator leads out";
  EXPECT_EQ(rig.Ask(Event::kDisarm), Answer::kNotFromHere);
  EXPECT_EQ(rig.Ask(Event::kChoosePolicy), Answer::kNotFromHere);
  EXPECT_EQ(rig.Ask(Event::kArm), Answer::kDone);
}

TEST(Loop, RefusesAnObservationOfAnotherSize) {
  Rig rig;
  StartPolicy(rig);
  Observation narrow = rig.Next();
  narrow.observation_dim = 2;
  rig.Feed(narrow);
  EXPECT_EQ(rig.loop.state(), State::kFallback);
  EXPECT_EQ(rig.telemetry.counters.observations_invalid.Get(), 1u);
}

TEST(Loop, FallsBackWhenObservationsAreLateAndStopsWhenTheyAreGone) {
  Rig rig;
  StartPolicy(rig);
  rig.Silence(15 * kMillisecond);
  EXPECT_EQ(rig.loop.state(), State::kPolicy);
  rig.Silence(10 * kMillisecond);
  EXPECT_EQ(rig.loop.state(), State::kFallback);
  rig.Silence(80 * kMillisecond);
  EXPECT_EQ(rig.loop.state(), State::kEstop);
  EXPECT_FALSE(rig.robot.last.torque_on) << "told at once, not with the next observation";
  const std::vector<Transition> recorded = rig.Recorded();
  ASSERT_FALSE(recorded.empty());
  EXPECT_TRUE(recorded.back().truncated) << "what was held back is not lost";
}

TEST(Loop, SeesAnObservationThatWasLongOnItsWay) {
  Rig rig;
  StartPolicy(rig);
  Observation late = rig.Next();
  late.robot_time_ns -= 25 * kMillisecond;
  rig.Feed(late);
  EXPECT_EQ(rig.loop.state(), State::kFallback);
  EXPECT_EQ(rig.telemetry.counters.observations_stale.Get(), 1u);
}

TEST(Loop, FadesToTheFallbackNearTheEdgeThenHandsOverThenTurnsOff) {
  Rig rig;
  StartPolicy(rig);
  rig.Tick(0.35f);
  EXPECT_EQ(rig.loop.state(), State::kPolicy);
  EXPECT_NEAR(rig.robot.last.action[0], 0.5 * 0.5 + 0.5 * 0.35, 1e-5);
  EXPECT_EQ(rig.telemetry.counters.actions_blended.Get(), 1u);
  rig.Tick(0.45f);
  EXPECT_EQ(rig.loop.state(), State::kFallback);
  EXPECT_FLOAT_EQ(rig.robot.last.action[0], 0.45f);
  rig.Tick(0.85f);
  EXPECT_EQ(rig.loop.state(), State::kEstop);
  EXPECT_FALSE(rig.robot.last.torque_on);
}

TEST(Loop, NeverLetsAPolicyActAgainWhoseActionWasNotFinite) {
  Rig rig;
  StartPolicy(rig);
  rig.Offer(4, kNan);
  rig.Tick(0.1f);
  EXPECT_EQ(rig.loop.state(), State::kFallback);
  EXPECT_FLOAT_EQ(rig.robot.last.action[0], 0.1f);
  rig.Ticks(20);
  EXPECT_EQ(rig.loop.state(), State::kFallback);
  EXPECT_EQ(rig.Ask(Event::kChoosePolicy), Answer::kNoPolicy);
  rig.Offer(5, 0.25f);
  rig.Ticks(1);
  EXPECT_EQ(rig.loop.state(), State::kPolicy);
  EXPECT_FLOAT_EQ(rig.robot.last.action[0], 0.25f);
}

TEST(Loop, StaysOnTheFallbackWhereAnOperatorChoseIt) {
  Rig rig;
  StartPolicy(rig);
  EXPECT_EQ(rig.Ask(Event::kChooseFallback), Answer::kDone);
  rig.Ticks(50);
  EXPECT_EQ(rig.loop.state(), State::kFallback);
}

TEST(Loop, FollowsTheOperatorWhileHeSteers) {
  Rig rig;
  StartPolicy(rig);
  OperatorInput input;
  input.at_ns = rig.now;
  input.action[0] = -0.4f;
  rig.operator_input.Put(input);
  EXPECT_EQ(rig.Ask(Event::kChooseOperator), Answer::kDone);
  rig.Tick();
  EXPECT_FLOAT_EQ(rig.robot.last.action[0], -0.4f);
  rig.Ticks(50);
  EXPECT_EQ(rig.loop.state(), State::kFallback) << "he went silent";
  input.at_ns = rig.now;
  rig.operator_input.Put(input);
  rig.Tick();
  EXPECT_EQ(rig.loop.state(), State::kOperator);
}

OperatorInput Wish(const Rig& rig, float action, uint64_t ticket = 1, uint32_t episode = 0) {
  OperatorInput input;
  input.ticket = ticket;
  input.at_ns = rig.now;
  input.episode = episode;
  input.action[0] = action;
  return input;
}

TEST(Loop, GivesTheRobotBackToNobodyButTheOperatorToWhomItWasHanded) {
  Rig rig;
  StartPolicy(rig);
  rig.operator_input.Put(Wish(rig, -0.4f, /*ticket=*/1));
  ASSERT_EQ(rig.Ask(Event::kChooseOperator), Answer::kDone);
  rig.Ticks(50);
  ASSERT_EQ(rig.loop.state(), State::kFallback);
  for (int i = 0; i < 20; ++i) {
    rig.operator_input.Put(Wish(rig, 0.9f, /*ticket=*/2));
    rig.Tick();
  }
  EXPECT_EQ(rig.loop.state(), State::kFallback) << "another one steers, whom nobody chose";
  EXPECT_EQ(rig.Ask(Event::kChooseOperator), Answer::kDone);
  rig.operator_input.Put(Wish(rig, 0.9f, /*ticket=*/2));
  rig.Tick();
  EXPECT_FLOAT_EQ(rig.robot.last.action[0], 0.9f);
}

TEST(Loop, FallsBackAtOnceWhereTheOperatorHasGone) {
  Rig rig;
  StartPolicy(rig);
  rig.operator_input.Put(Wish(rig, -0.4f));
  ASSERT_EQ(rig.Ask(Event::kChooseOperator), Answer::kDone);
  rig.Tick();
  OperatorInput gone = Wish(rig, -0.4f);
  gone.at_ns = 0;
  rig.operator_input.Put(gone);
  rig.Changes();
  rig.Tick(0.1f);
  EXPECT_EQ(rig.loop.state(), State::kFallback);
  EXPECT_FLOAT_EQ(rig.robot.last.action[0], 0.1f);
  const std::vector<StateChange> changes = rig.Changes();
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].event, Event::kOperatorSilent);
}

TEST(Loop, CutsTheRecordWhereTheOperatorBeginsAnotherEpisode) {
  Rig rig;
  StartPolicy(rig);
  rig.operator_input.Put(Wish(rig, -0.4f));
  ASSERT_EQ(rig.Ask(Event::kChooseOperator), Answer::kDone);
  rig.Ticks(5);
  rig.Recorded();
  rig.operator_input.Put(Wish(rig, -0.4f, /*ticket=*/1, /*episode=*/1));
  rig.Ticks(5);
  const std::vector<Transition> recorded = rig.Recorded();
  ASSERT_EQ(recorded.size(), 5u);
  EXPECT_TRUE(recorded[0].truncated || recorded[1].truncated);
  size_t cuts = 0;
  for (size_t i = 0; i + 1 < recorded.size(); ++i) {
    EXPECT_EQ(recorded[i].source, Source::kOperator);
    EXPECT_EQ(recorded[i].next_observation[2], recorded[i + 1].observation[2])
        << "a cut loses nothing";
    EXPECT_EQ(recorded[i + 1].episode - recorded[i].episode, recorded[i].truncated ? 1u : 0u);
    cuts += recorded[i].truncated;
  }
  EXPECT_EQ(cuts, 1u);
}

// Drives in one state and gives what was recorded of it.
std::vector<Transition> RecordedIn(State state) {
  LoopConfig config = TestConfig();
  config.recovery_ticks = 0;
  Rig rig(config);
  StartPolicy(rig);
  switch (state) {
    case State::kArmed:
      rig.Ask(Event::kDisarm);
      rig.Ask(Event::kArm);
      break;
    case State::kFallback:
      rig.Tick(kNan);
      break;
    case State::kOperator:
      rig.operator_input.Put(Wish(rig, -0.4f));
      rig.Ask(Event::kChooseOperator);
      break;
    default:
      break;
  }
  // The first of them may still be under the command of the state before.
  rig.Ticks(3);
  rig.Recorded();
  rig.Ticks(10);
  EXPECT_EQ(rig.loop.state(), state);
  return rig.Recorded();
}

TEST(Loop, MarksEachTransitionWithWhoChoseItsActionInEveryState) {
  struct Case {
    State state;
    Source source;
    uint32_t version;
    float action;
  };
  for (const Case& expected : {Case{State::kArmed, Source::kFallback, 0, 0},
                               Case{State::kPolicy, Source::kPolicy, 3, 0.5f},
                               Case{State::kOperator, Source::kOperator, 0, -0.4f},
                               Case{State::kFallback, Source::kFallback, 0, 0}}) {
    const std::vector<Transition> recorded = RecordedIn(expected.state);
    ASSERT_EQ(recorded.size(), 10u) << Name(expected.state);
    for (const Transition& transition : recorded) {
      EXPECT_EQ(transition.source, expected.source) << Name(expected.state);
      EXPECT_EQ(transition.policy_version, expected.version) << Name(expected.state);
      EXPECT_FLOAT_EQ(transition.action[0], expected.action) << Name(expected.state);
      EXPECT_FLOAT_EQ(transition.policy_action[0], expected.action) << Name(expected.state);
    }
  }
}

TEST(Loop, MarksATransitionWithTheSourceOfTheCommandThatWasInForceWhateverTheStateIsNow) {
  Rig rig;
  StartPolicy(rig);
  rig.Tick();
  const uint64_t by_policy = rig.robot.last.observation_sequence;
  rig.Recorded();
  Observation held = rig.Next();
  ASSERT_EQ(rig.Ask(Event::kChooseFallback), Answer::kDone);
  held.applied_sequence = by_policy;
  rig.Feed(held);
  rig.Ticks(2);
  const std::vector<Transition> recorded = rig.Recorded();
  ASSERT_GE(recorded.size(), 2u);
  EXPECT_EQ(recorded[recorded.size() - 2].source, Source::kPolicy);
  EXPECT_EQ(recorded.back().source, Source::kFallback);
}

TEST(Loop, RecordsNothingWhileTheMotorsAreOff) {
  Rig rig;
  StartPolicy(rig);
  rig.Ask(Event::kDisarm);
  rig.Tick();
  rig.Recorded();
  rig.Ticks(20);
  EXPECT_TRUE(rig.Recorded().empty());
  EXPECT_EQ(rig.telemetry.counters.observation_gaps.Get(), 0u);
}

TEST(Loop, MarksTheTerminalTransitionAndEndsTheEpisodeThere) {
  Rig rig;
  StartPolicy(rig);
  rig.Recorded();
  rig.Tick(0.2f);
  rig.Tick(0.6f);
  rig.Ticks(3);
  const std::vector<Transition> recorded = rig.Recorded();
  ASSERT_FALSE(recorded.empty());
  EXPECT_TRUE(recorded.back().terminal);
  EXPECT_FALSE(recorded.back().truncated);
  EXPECT_EQ(rig.telemetry.counters.episodes_terminated.Get(), 1u);
}

TEST(Loop, MarksTheGapWhereTheRingToTheSpoolIsFull) {
  Rig rig;
  StartPolicy(rig);
  const auto capacity = static_cast<int>(rig.telemetry.transitions.Capacity());
  rig.Ticks(capacity + 100);
  std::vector<Transition> before = rig.Recorded();
  ASSERT_EQ(static_cast<int>(before.size()), capacity);
  EXPECT_TRUE(before.back().truncated);
  EXPECT_FALSE(before[before.size() - 2].truncated);
  EXPECT_GT(rig.telemetry.counters.transitions_dropped.Get(), 50u);
  rig.Ticks(10);
  const std::vector<Transition> after = rig.Recorded();
  ASSERT_EQ(after.size(), 10u);
  EXPECT_GT(after[0].episode, before.back().episode);
  EXPECT_GT(after[0].observation[2], before.back().next_observation[2]);
}

TEST(Loop, StopsAtOnceOnDemand) {
  Rig rig;
  StartPolicy(rig);
  const int sent = rig.robot.sent;
  EXPECT_EQ(rig.Ask(Event::kEmergencyStop), Answer::kDone);
  EXPECT_EQ(rig.robot.sent, sent + 1);
  EXPECT_FALSE(rig.robot.last.torque_on);
  EXPECT_EQ(rig.loop.state(), State::kEstop);
}

TEST(Loop, DisarmsWhenTheRobotConnectsAnew) {
  Rig rig;
  StartPolicy(rig);
  rig.link = 2;
  rig.sequence = 0;
  rig.Tick();
  EXPECT_EQ(rig.loop.state(), State::kDisarmed);
  EXPECT_FALSE(rig.robot.last.torque_on);
}

TEST(Loop, AnswersOnlyTheNewestOfSeveralAndMissesNoTransition) {
  Rig rig;
  StartPolicy(rig);
  rig.Ticks(2);
  const size_t before = rig.Recorded().size();
  ASSERT_GT(before, 0u);
  const int sent = rig.robot.sent;
  for (int i = 0; i < 3; ++i) rig.robot.Queue(rig.Next());
  rig.loop.Step(rig.now);
  EXPECT_EQ(rig.robot.sent, sent + 1);
  EXPECT_EQ(rig.robot.last.observation_sequence, rig.sequence);
  EXPECT_EQ(rig.telemetry.counters.missed_ticks.Get(), 2u);
  EXPECT_EQ(rig.Recorded().size(), 3u);
}

TEST(Loop, DropsAndCountsWhatComesTwiceOrOutOfOrder) {
  Rig rig;
  rig.Ticks(3);
  Observation old = rig.Next();
  old.sequence = 2;
  --rig.sequence;
  rig.Feed(old);
  EXPECT_EQ(rig.telemetry.counters.observations_out_of_order.Get(), 1u);
  rig.Tick();
  EXPECT_EQ(rig.telemetry.counters.observation_gaps.Get(), 0u);
}

TEST(Loop, CountsAndMarksAGap) {
  Rig rig;
  StartPolicy(rig);
  rig.Recorded();
  rig.Next();
  rig.Ticks(2);
  EXPECT_EQ(rig.telemetry.counters.observation_gaps.Get(), 1u);
  const std::vector<Transition> recorded = rig.Recorded();
  ASSERT_EQ(recorded.size(), 1u);
  EXPECT_TRUE(recorded[0].truncated);
}

TEST(Loop, ReportsEveryChangeOfStateWithItsReason) {
  Rig rig;
  StartPolicy(rig);
  rig.Ask(Event::kDisarm);
  std::vector<Event> events;
  for (const StateChange& change : rig.Changes()) events.push_back(change.event);
  EXPECT_THAT(events, testing::ElementsAre(Event::kArm, Event::kChoosePolicy, Event::kDisarm));
}

TEST(Loop, InShadowThePolicyIsRecordedAndTheFallbackActs) {
  LoopConfig config = TestConfig();
  config.shadow = true;
  Rig rig(config);
  StartPolicy(rig);
  rig.Tick(0.2f);
  EXPECT_FLOAT_EQ(rig.robot.last.action[0], 0.2f);
  rig.Ticks(2);
  const std::vector<Transition> recorded = rig.Recorded();
  EXPECT_EQ(recorded.back().source, Source::kFallback);
  EXPECT_FLOAT_EQ(recorded.back().policy_action[0], 0.5f);
  EXPECT_FLOAT_EQ(recorded.back().action[0], 0.2f);
}

TEST(Loop, RunsByTheClockWhereTheRobotDoesNot) {
  LoopConfig config = TestConfig();
  config.pacing = Pacing::kClock;
  config.period_ns = kMillisecond;
  Rig rig(config);
  std::atomic<bool> stop{false};
  std::thread thread([&] { rig.loop.Run(stop); });
  const int64_t until = Now() + 100 * kMillisecond;
  while (Now() < until) std::this_thread::yield();
  stop = true;
  thread.join();
  const Histogram::Counts counts = rig.telemetry.lateness.Read();
  uint64_t ticks = rig.telemetry.counters.missed_ticks.Get();
  for (const uint64_t count : counts) ticks += count;
  EXPECT_GE(ticks, 50u) << "every period is either a tick or counted as missed";
}

TEST(Loop, WhenItEndsTheMotorsAreOffAndNothingIsHeldBack) {
  Rig rig;
  StartPolicy(rig);
  rig.Ticks(3);
  rig.Recorded();
  rig.loop.Finish(rig.now);
  EXPECT_FALSE(rig.robot.last.torque_on);
  const std::vector<Transition> recorded = rig.Recorded();
  ASSERT_EQ(recorded.size(), 1u);
  EXPECT_TRUE(recorded[0].truncated);
}

}  // namespace
}  // namespace estuary::bridge
