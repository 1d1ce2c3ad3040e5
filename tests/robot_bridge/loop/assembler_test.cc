#include "robot_bridge/loop/assembler.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <vector>

#include "tests/robot_bridge/loop/fake_robot.h"

namespace estuary::bridge {
namespace {

using Outcome = Assembler::Outcome;

class AssemblerTest : public testing::Test {
 protected:
  Observation At(uint64_t sequence, float pitch = 0) {
    Observation observation;
    observation.link = 1;
    observation.sequence = sequence;
    observation.observation_dim = 3;
    observation.observation = {pitch, 0, static_cast<float>(sequence)};
    if (sequence > 1) {
      observation.applied_sequence = sequence - 1;
      observation.applied_dim = 1;
      observation.applied_action[0] = 0.25f;
    }
    return observation;
  }
  void Decide(uint64_t sequence, Source source = Source::kPolicy, uint64_t link = 1) {
    Decision decision;
    decision.link = link;
    decision.sequence = sequence;
    decision.source = source;
    decision.policy_version = 9;
    decision.wanted[0] = 0.5f;
    decision.latency_us = 120;
    decisions_.Put(decision);
  }
  Outcome Add(const Observation& observation, bool valid = true) {
    const Outcome outcome = assembler_.Add(observation, valid, decisions_, Sink());
    Decide(observation.sequence);
    return outcome;
  }
  void Flush() { assembler_.Flush(Sink()); }
  std::function<void(const Transition&)> Sink() {
    return [this](const Transition& transition) { out_.push_back(transition); };
  }

  DecisionLog decisions_;
  Assembler assembler_{TestTask(), 40};
  std::vector<Transition> out_;
};

TEST_F(AssemblerTest, MakesATransitionOfTwoConsecutiveObservationsAndTheAppliedCommand) {
  EXPECT_EQ(Add(At(1)), Outcome::kNone);
  EXPECT_EQ(Add(At(2, 0.1f)), Outcome::kTransition);
  EXPECT_TRUE(out_.empty()) << "held back until the next observation decides";
  EXPECT_EQ(Add(At(3)), Outcome::kTransition);
  ASSERT_EQ(out_.size(), 1u);
  const Transition& transition = out_[0];
  EXPECT_EQ(transition.observation[2], 1);
  EXPECT_EQ(transition.next_observation[2], 2);
  EXPECT_EQ(transition.action[0], 0.25f);
  EXPECT_EQ(transition.policy_action[0], 0.5f);
  EXPECT_FLOAT_EQ(transition.reward, 1.0f - 0.1f - 0.1f * 0.0625f);
  EXPECT_EQ(transition.source, Source::kPolicy);
  EXPECT_EQ(transition.policy_version, 9u);
  EXPECT_EQ(transition.action_latency_us, 120u);
  EXPECT_EQ(transition.episode, 40u);
  EXPECT_FALSE(transition.terminal);
  EXPECT_FALSE(transition.truncated);
}

TEST_F(AssemblerTest, MakesNoneAcrossALostObservationAndMarksTheLastBeforeIt) {
  Add(At(1));
  Add(At(2));
  EXPECT_EQ(Add(At(4)), Outcome::kGap);
  ASSERT_EQ(out_.size(), 1u);
  EXPECT_TRUE(out_[0].truncated);
  EXPECT_EQ(Add(At(5)), Outcome::kTransition);
  EXPECT_EQ(Add(At(6)), Outcome::kTransition);
  ASSERT_EQ(out_.size(), 2u);
  EXPECT_EQ(out_[1].observation[2], 4);
  EXPECT_EQ(out_[1].episode, 41u) << "after a cut a new episode begins";
}

TEST_F(AssemblerTest, MakesNoneWhereALateCommandTookOverHalfWay) {
  Add(At(1));
  Add(At(2));
  Observation changed = At(3);
  changed.applied_changed = true;
  EXPECT_EQ(Add(changed), Outcome::kGap);
  ASSERT_EQ(out_.size(), 1u);
  EXPECT_TRUE(out_[0].truncated);
  EXPECT_EQ(Add(At(4)), Outcome::kTransition);
}

TEST_F(AssemblerTest, TakesAnOlderCommandThatWasInForceAllThePeriod) {
  Add(At(1));
  Add(At(2));
  Observation held = At(3);
  held.applied_sequence = 1;
  EXPECT_EQ(Add(held), Outcome::kTransition);
  Flush();
  ASSERT_EQ(out_.size(), 2u);
  EXPECT_FALSE(out_[0].truncated);
  EXPECT_TRUE(out_[1].truncated);
}

TEST_F(AssemblerTest, EndsAnEpisodeAtATerminalStateAndMakesNothingUntilItStartsAnew) {
  Add(At(1));
  Add(At(2));
  EXPECT_EQ(Add(At(3, 0.6f)), Outcome::kTransition);
  ASSERT_EQ(out_.size(), 2u);
  EXPECT_FALSE(out_[0].truncated);
  EXPECT_TRUE(out_[1].terminal);
  EXPECT_FALSE(out_[1].truncated);
  EXPECT_EQ(Add(At(4, 0.7f)), Outcome::kNone);
  EXPECT_EQ(Add(At(5, 0.1f)), Outcome::kNone);
  Observation start = At(6);
  start.episode_start = true;
  EXPECT_EQ(Add(start), Outcome::kNone);
  EXPECT_EQ(Add(At(7)), Outcome::kTransition);
  Flush();
  ASSERT_EQ(out_.size(), 3u);
  EXPECT_EQ(out_[1].episode, 40u);
  EXPECT_EQ(out_[2].episode, 41u);
  EXPECT_EQ(out_[2].observation[2], 6);
}

TEST_F(AssemblerTest, MakesNothingFromAStateWhereTheTaskHasEnded) {
  Add(At(1, 0.6f));
  EXPECT_EQ(Add(At(2, 0.1f)), Outcome::kNone);
  EXPECT_EQ(Add(At(3, 0.1f)), Outcome::kTransition);
}

TEST_F(AssemblerTest, CutsTheEpisodeWhereTheRobotWasPutBack) {
  Add(At(1));
  Add(At(2));
  Observation start = At(3);
  start.episode_start = true;
  EXPECT_EQ(Add(start), Outcome::kNone);
  ASSERT_EQ(out_.size(), 1u);
  EXPECT_TRUE(out_[0].truncated);
  EXPECT_EQ(out_[0].next_observation[2], 2);
}

TEST_F(AssemblerTest, MakesNothingWhileTheMotorsAreOff) {
  Add(At(1));
  Observation off = At(2);
  off.applied_sequence = 0;
  EXPECT_EQ(Add(off), Outcome::kNone);
  EXPECT_EQ(Add(At(3)), Outcome::kTransition);
  EXPECT_TRUE(out_.empty());
}

TEST_F(AssemblerTest, MakesNoneWithAnInvalidObservationOnEitherSide) {
  Add(At(1));
  EXPECT_EQ(Add(At(2), /*valid=*/false), Outcome::kGap);
  EXPECT_EQ(Add(At(3)), Outcome::kGap);
  EXPECT_EQ(Add(At(4)), Outcome::kTransition);
}

TEST_F(AssemblerTest, MakesNoneAcrossTwoLinks) {
  Add(At(1));
  Observation other = At(2);
  other.link = 2;
  EXPECT_EQ(Add(other), Outcome::kGap);
}

TEST_F(AssemblerTest, RefusesAnAppliedActionThatNobodySentOrThatIsNoAction) {
  Add(At(1));
  Observation unknown = At(2);
  unknown.applied_sequence = 77;
  EXPECT_EQ(Add(unknown), Outcome::kGap);
  Observation large = At(3);
  large.applied_action[0] = 1.5f;
  EXPECT_EQ(Add(large), Outcome::kGap);
  Observation nan = At(4);
  nan.applied_action[0] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(Add(nan), Outcome::kGap);
  Observation narrow = At(5);
  narrow.applied_dim = 0;
  EXPECT_EQ(Add(narrow), Outcome::kGap);
  EXPECT_TRUE(out_.empty());
}

TEST_F(AssemblerTest, DoesNotSpendEpisodeNumbersOnNothing) {
  Add(At(1));
  for (uint64_t sequence = 3; sequence < 30; sequence += 2) Add(At(sequence));
  Flush();
  EXPECT_TRUE(out_.empty());
  EXPECT_EQ(assembler_.episode(), 40u);
}

}  // namespace
}  // namespace estuary::bridge
