#include "robot_bridge/client/motor_gate.h"

#include <gtest/gtest.h>

#include <cmath>

#include "robot_bridge/loop/clock.h"

namespace estuary::bridge {
namespace {

ReceivedCommand Command(uint64_t answers, float action, int64_t at, bool torque_on = true) {
  ReceivedCommand received;
  received.command.observation_sequence = answers;
  received.command.action_dim = 1;
  received.command.action[0] = action;
  received.command.torque_on = torque_on;
  received.arrival_ns = at;
  return received;
}

TEST(MotorGate, IsShutUntilACommandComes) {
  MotorGate gate(1);
  EXPECT_FALSE(gate.At(kSecond).torque_on);
  gate.Arrived(Command(1, .5f, kSecond + 10));
  EXPECT_FALSE(gate.At(kSecond + 9).torque_on) << "not before it arrives";
  EXPECT_TRUE(gate.At(kSecond + 10).torque_on);
  EXPECT_EQ(gate.At(kSecond + 10).action[0], .5f);
}

TEST(MotorGate, HoldsTheLastCommandThenShuts) {
  MotorGate gate(1);
  gate.Arrived(Command(1, .5f, kSecond));
  EXPECT_FALSE(gate.At(kSecond + 19 * kMillisecond).held);
  EXPECT_TRUE(gate.At(kSecond + 20 * kMillisecond).held);
  EXPECT_TRUE(gate.At(kSecond + 99 * kMillisecond).torque_on);
  const MotorGate::InForce off = gate.At(kSecond + 100 * kMillisecond);
  EXPECT_FALSE(off.torque_on);
  EXPECT_EQ(off.action[0], 0);
}

TEST(MotorGate, TheNewestCommandWins) {
  MotorGate gate(1);
  gate.Arrived(Command(5, .5f, 10));
  gate.Arrived(Command(4, .4f, 20));
  EXPECT_EQ(gate.At(30).action[0], .5f);
  EXPECT_EQ(gate.dropped(), 1u);
  // The same observation's newer answer: motors off.
  gate.Arrived(Command(5, .5f, 40, /*torque_on=*/false));
  EXPECT_FALSE(gate.At(50).torque_on);
}

TEST(MotorGate, LetsNothingThroughThatIsNoAction) {
  MotorGate gate(1);
  gate.Arrived(Command(1, NAN, 10));
  EXPECT_EQ(gate.At(10).action[0], 0);
  gate.Arrived(Command(2, 3, 20));
  EXPECT_EQ(gate.At(20).action[0], 1);
  gate.Arrived(Command(3, -INFINITY, 30));
  EXPECT_EQ(gate.At(30).action[0], -1);
  ReceivedCommand two = Command(4, .5f, 40);
  two.command.action_dim = 2;
  gate.Arrived(two);
  EXPECT_EQ(gate.At(40).sequence, 3u);
  EXPECT_EQ(gate.dropped(), 1u);
}

TEST(MotorGate, TellsTheObservationWhatWasInForce) {
  MotorGate gate(1);
  Observation observation;
  gate.At(1);
  gate.EndPeriod(observation);
  EXPECT_EQ(observation.applied_sequence, 0u);
  EXPECT_EQ(observation.applied_dim, 0u);
  gate.Arrived(Command(7, .5f, 2));
  gate.At(2);
  gate.At(3);
  gate.EndPeriod(observation);
  EXPECT_EQ(observation.applied_sequence, 7u);
  EXPECT_EQ(observation.applied_dim, 1u);
  EXPECT_EQ(observation.applied_action[0], .5f);
  EXPECT_FALSE(observation.applied_changed);
  // A change between two periods splits neither; one within a period splits it.
  gate.Arrived(Command(8, .6f, 4));
  gate.At(4);
  gate.Arrived(Command(9, .7f, 5));
  gate.At(5);
  gate.EndPeriod(observation);
  EXPECT_TRUE(observation.applied_changed);
  gate.At(6);
  gate.EndPeriod(observation);
  EXPECT_FALSE(observation.applied_changed);
  EXPECT_EQ(observation.applied_sequence, 9u);
}

}  // namespace
}  // namespace estuary::bridge
