#include "robot_bridge/loop/states.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace estuary::bridge {
namespace {

using enum State;

// The whole table once more, as a matrix: where each event leads from each state; the state itself
// where nothing happens.
struct Expected {
  Event event;
  // From DISARMED, ARMED, POLICY, OPERATOR, FALLBACK, ESTOP.
  State to[6];
};

constexpr Expected kExpected[] = {
    {Event::kArm, {kArmed, kArmed, kPolicy, kOperator, kFallback, kArmed}},
    {Event::kDisarm, {kDisarmed, kDisarmed, kDisarmed, kDisarmed, kDisarmed, kEstop}},
    {Event::kEmergencyStop, {kEstop, kEstop, kEstop, kEstop, kEstop, kEstop}},
    {Event::kChoosePolicy, {kDisarmed, kPolicy, kPolicy, kPolicy, kPolicy, kEstop}},
    {Event::kChooseOperator, {kDisarmed, kOperator, kOperator, kOperator, kOperator, kEstop}},
    {Event::kChooseFallback, {kDisarmed, kFallback, kFallback, kFallback, kFallback, kEstop}},
    {Event::kObservationInvalid, {kDisarmed, kArmed, kFallback, kFallback, kFallback, kEstop}},
    {Event::kObservationStale, {kDisarmed, kArmed, kFallback, kFallback, kFallback, kEstop}},
    {Event::kObservationsLost, {kDisarmed, kEstop, kEstop, kEstop, kEstop, kEstop}},
    {Event::kLinkReplaced, {kDisarmed, kDisarmed, kDisarmed, kDisarmed, kDisarmed, kEstop}},
    {Event::kEnvelopeFallback, {kDisarmed, kArmed, kFallback, kFallback, kFallback, kEstop}},
    {Event::kEnvelopeOff, {kDisarmed, kEstop, kEstop, kEstop, kEstop, kEstop}},
    {Event::kPolicyInvalid, {kDisarmed, kArmed, kFallback, kOperator, kFallback, kEstop}},
    {Event::kOperatorSilent, {kDisarmed, kArmed, kPolicy, kFallback, kFallback, kEstop}},
    {Event::kPolicyRecovered, {kDisarmed, kArmed, kPolicy, kOperator, kPolicy, kEstop}},
    {Event::kOperatorRecovered, {kDisarmed, kArmed, kPolicy, kOperator, kOperator, kEstop}},
};
static_assert(std::size(kExpected) == kEvents);

TEST(States, EveryEventLeadsFromEveryStateWhereTheTableSays) {
  for (const Expected& expected : kExpected) {
    for (size_t i = 0; i < kStates.size(); ++i) {
      const State from = kStates[i];
      const std::optional<Edge> edge = FindEdge(from, expected.event);
      const State to = edge.has_value() ? edge->to : from;
      EXPECT_EQ(to, expected.to[i])
          << Code(expected.event) << " from " << Name(from) << " leads to " << Name(to);
      if (edge.has_value()) {
        EXPECT_NE(edge->to, from) << "an edge that leads nowhere";
      }
    }
  }
}

TEST(States, OnlyArmLeadsOutOfAnEmergencyStop) {
  for (int i = 0; i < kEvents; ++i) {
    const auto event = static_cast<Event>(i);
    EXPECT_EQ(FindEdge(kEstop, event).has_value(), event == Event::kArm) << Code(event);
  }
}

TEST(States, MotorsComeOnByArmAlone) {
  for (const State from : kStates) {
    if (TorqueOn(from)) continue;
    for (int i = 0; i < kEvents; ++i) {
      const std::optional<Edge> edge = FindEdge(from, static_cast<Event>(i));
      if (edge.has_value() && TorqueOn(edge->to)) {
        EXPECT_EQ(edge->event, Event::kArm);
      }
    }
  }
}

TEST(States, EveryEventHasACodeOfItsOwn) {
  std::set<std::string> codes;
  for (int i = 0; i < kEvents; ++i) {
    const auto event = static_cast<Event>(i);
    EXPECT_NE(std::string(Code(event)), "?");
    EXPECT_NE(std::string(Words(event)), "?");
    codes.insert(Code(event));
  }
  EXPECT_EQ(codes.size(), kEvents);
}

}  // namespace
}  // namespace estuary::bridge
