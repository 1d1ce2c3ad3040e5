#include "robot_bridge/loop/limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "robot_bridge/loop/feedback.h"

namespace estuary::bridge {
namespace {

Limits TiltLimits() {
  Limits limits;
  limits.axes[0] = {.index = 0, .center = 0.1f, .soft = 0.2f, .fallback = 0.3f, .off = 0.4f};
  limits.axes[1] = {.index = 1, .center = 0, .soft = 1, .fallback = 2, .off = 3};
  limits.axis_count = 2;
  return limits;
}

TEST(LimitAction, LeavesAnActionWithinItsLimitsAlone) {
  const Limits limits;
  const float previous[] = {-0.9f, 0.3f};
  float action[] = {1.0f, -0.25f};
  EXPECT_EQ(LimitAction(limits, previous, 2, action), kNotLimited);
  EXPECT_FLOAT_EQ(action[0], 1.0f);
  EXPECT_FLOAT_EQ(action[1], -0.25f);
}

TEST(LimitAction, ClampsToTheLargestMagnitude) {
  Limits limits;
  limits.max_action = 0.6f;
  const float previous[] = {0, 0, 0};
  float action[] = {5, -5, 0.5f};
  EXPECT_EQ(LimitAction(limits, previous, 3, action), kClamped);
  EXPECT_FLOAT_EQ(action[0], 0.6f);
  EXPECT_FLOAT_EQ(action[1], -0.6f);
  EXPECT_FLOAT_EQ(action[2], 0.5f);
}

TEST(LimitAction, LimitsTheChangeAgainstThePreviousCommand) {
  Limits limits;
  limits.max_change = 0.1f;
  const float previous[] = {0.2f, -0.2f};
  float action[] = {1, -1};
  EXPECT_EQ(LimitAction(limits, previous, 2, action), kRateLimited);
  EXPECT_FLOAT_EQ(action[0], 0.3f);
  EXPECT_FLOAT_EQ(action[1], -0.3f);
}

TEST(LimitAction, FiltersAfterClampAndRate) {
  Limits limits;
  limits.max_action = 0.5f;
  limits.max_change = 0.4f;
  limits.low_pass = 0.25f;
  const float previous[] = {0};
  float action[] = {2};
  EXPECT_EQ(LimitAction(limits, previous, 1, action), kClamped | kRateLimited | kLowPassed);
  EXPECT_FLOAT_EQ(action[0], 0.1f);
}

TEST(CheckEnvelope, GivesTheSourceEverythingInsideTheSoftBound) {
  const float observation[] = {0.29f, -0.9f};
  const EnvelopeVerdict verdict = CheckEnvelope(TiltLimits(), observation);
  EXPECT_EQ(verdict.share, 1);
  EXPECT_FALSE(verdict.fallback);
  EXPECT_FALSE(verdict.off);
  EXPECT_EQ(verdict.axis, -1);
}

TEST(CheckEnvelope, FadesTheSourceBetweenSoftAndFallback) {
  const float observation[] = {-0.15f, 0};
  const EnvelopeVerdict verdict = CheckEnvelope(TiltLimits(), observation);
  EXPECT_NEAR(verdict.share, 0.5, 1e-5);
  EXPECT_FALSE(verdict.fallback);
  EXPECT_EQ(verdict.axis, 0);
}

TEST(CheckEnvelope, TakesTheWorstAxis) {
  const float observation[] = {0.35f, 1.9f};
  const EnvelopeVerdict verdict = CheckEnvelope(TiltLimits(), observation);
  EXPECT_NEAR(verdict.share, 0.1, 1e-5);
  EXPECT_EQ(verdict.axis, 1);
}

TEST(CheckEnvelope, CallsTheFallbackThenTurnsOff) {
  const float near_edge[] = {0.45f, 0};
  EXPECT_TRUE(CheckEnvelope(TiltLimits(), near_edge).fallback);
  EXPECT_FALSE(CheckEnvelope(TiltLimits(), near_edge).off);
  EXPECT_EQ(CheckEnvelope(TiltLimits(), near_edge).share, 0);
  const float beyond[] = {0, -3.5f};
  EXPECT_TRUE(CheckEnvelope(TiltLimits(), beyond).off);
  EXPECT_EQ(CheckEnvelope(TiltLimits(), beyond).axis, 1);
}

TEST(Blend, MixesByTheShare) {
  const float fallback[] = {-1};
  float action[] = {1};
  EXPECT_EQ(Blend(1, fallback, 1, action), kNotLimited);
  EXPECT_FLOAT_EQ(action[0], 1);
  EXPECT_EQ(Blend(0.25f, fallback, 1, action), kBlended);
  EXPECT_FLOAT_EQ(action[0], -0.5f);
}

TEST(AllFinite, SeesNanAndInfinity) {
  const float good[] = {1, -1e30f};
  const float nan[] = {0, std::numeric_limits<float>::quiet_NaN()};
  const float infinite[] = {-std::numeric_limits<float>::infinity(), 0};
  EXPECT_TRUE(AllFinite(good, 2));
  EXPECT_FALSE(AllFinite(nan, 2));
  EXPECT_FALSE(AllFinite(infinite, 2));
}

TEST(Feedback, IsTheGainTimesTheErrorWithinBounds) {
  Feedback feedback;
  feedback.observation_dim = 2;
  feedback.action_dim = 1;
  feedback.scale = 10;
  feedback.target = {-0.1f, 0};
  feedback.gain[0] = {70, 12};
  const float observation[] = {-0.05f, 0.1f};
  float action = 0;
  Evaluate(feedback, observation, &action);
  EXPECT_NEAR(action, (70 * 0.05 + 12 * 0.1) / 10, 1e-6);
  const float far[] = {-1, -1};
  Evaluate(feedback, far, &action);
  EXPECT_EQ(action, -1);
}

}  // namespace
}  // namespace estuary::bridge
