#include "robot_bridge/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/process/textproto.h"

namespace estuary::bridge {
namespace {

absl::Status Apply(const std::string& text, RobotTask& task) {
  v1::BridgeConfig config;
  const absl::Status parsed = process::ParseTextProto(text, "test", &config);
  EXPECT_TRUE(parsed.ok()) << parsed;
  return ApplyConfig(config, task);
}

TEST(Config, LeavesTheTasksDefaultsWhereItSaysNothing) {
  RobotTask task = *FindRobotTask("wheel_legged_stand");
  ASSERT_TRUE(Apply("", task).ok());
  EXPECT_EQ(task.loop.feedback.gain[0][0], 70);
  EXPECT_EQ(task.loop.limits.axis_count, 3);
  EXPECT_EQ(task.loop.stale_ns, 20 * kMillisecond);
}

TEST(Config, SetsWhatItSays) {
  RobotTask task = *FindRobotTask("wheel_legged_stand");
  const absl::Status status = Apply(R"pb(
                                      fallback {
                                        gain { value: [ 1, 2, 3, 4 ] }
                                        target: [ -0.1, 0, 0, 0 ]
                                        scale: 5
                                      }
                                      limits {
                                        max_action: 0.5
                                        max_change: 0.1
                                        low_pass: 0.7
                                        envelope { observation: 2 soft: 0.4 fallback: 0.5 off: 0.6 }
                                      }
                                      timing {
                                        pacing: CLOCK
                                        stale_ms: 30
                                        lost_ms: 80
                                        invalid_ticks_off: 3
                                        recovery_ticks: 0
                                        fade_ticks: 20
                                        late_us: 250
                                        spin_us: 40
                                        operator_silent_ms: 120
                                      }
                                    )pb",
                                    task);
  ASSERT_TRUE(status.ok()) << status;
  const LoopConfig& loop = task.loop;
  EXPECT_EQ(loop.feedback.gain[0][3], 4);
  EXPECT_EQ(loop.feedback.scale, 5);
  EXPECT_FLOAT_EQ(loop.feedback.target[0], -0.1f);
  EXPECT_EQ(loop.limits.max_action, 0.5f);
  EXPECT_EQ(loop.limits.max_change, 0.1f);
  EXPECT_EQ(loop.limits.low_pass, 0.7f);
  ASSERT_EQ(loop.limits.axis_count, 1);
  EXPECT_EQ(loop.limits.axes[0].index, 2);
  EXPECT_EQ(loop.limits.axes[0].off, 0.6f);
  EXPECT_EQ(loop.pacing, Pacing::kClock);
  EXPECT_EQ(loop.stale_ns, 30 * kMillisecond);
  EXPECT_EQ(loop.lost_ns, 80 * kMillisecond);
  EXPECT_EQ(loop.invalid_ticks_off, 3);
  EXPECT_EQ(loop.recovery_ticks, 0);
  EXPECT_EQ(loop.fade_ticks, 20);
  EXPECT_EQ(loop.operator_silent_ns, 120 * kMillisecond);
  EXPECT_EQ(loop.late_ns, 250 * kMicrosecond);
  EXPECT_EQ(loop.spin_ns, 40 * kMicrosecond);
}

struct Bad {
  const char* text;
  const char* says;
};

class BadConfigTest : public testing::TestWithParam<Bad> {};

TEST_P(BadConfigTest, IsRefusedByNameAndChangesNothing) {
  RobotTask task = *FindRobotTask("wheel_legged_stand");
  const absl::Status status = Apply(GetParam().text, task);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr(GetParam().says));
  EXPECT_EQ(task.loop.feedback.gain[0][0], 70);
  EXPECT_EQ(task.loop.limits.max_action, 1);
  EXPECT_EQ(task.loop.stale_ns, 20 * kMillisecond);
}

INSTANTIATE_TEST_SUITE_P(
    Each, BadConfigTest,
    testing::Values(
        Bad{"fallback { target: [ 0, 0, 0, 0 ] scale: 1 }", "1 rows, one an action, got 0"},
        Bad{"fallback { gain { value: [ 1, 2 ] } target: [ 0, 0, 0, 0 ] scale: 1 }",
            "fallback.gain[0] must have 4 finite numbers, one an observation, got 2"},
        Bad{"fallback { gain { value: [ 1, 2, 3, nan ] } target: [ 0, 0, 0, 0 ] scale: 1 }",
            "finite"},
        Bad{"fallback { gain { value: [ 1, 2, 3, 4 ] } target: [ 0 ] scale: 1 }",
            "fallback.target must have 4 numbers, one an observation, got 1"},
        Bad{"fallback { gain { value: [ 1, 2, 3, 4 ] } target: [ 0, 0, 0, 0 ] }",
            "fallback.scale must be positive, got 0"},
        Bad{"limits { max_action: 1.5 }", "limits.max_action must be in (0, 1], got 1.5"},
        Bad{"limits { max_action: 0.5 low_pass: nan }", "limits.low_pass must be in (0, 1]"},
        Bad{"limits { max_change: 0 }", "limits.max_change must be in (0, 2], got 0"},
        Bad{"limits { envelope { observation: 4 off: 1 } }", "must be below 4, got 4"},
        Bad{"limits { envelope { soft: 2 fallback: 1 off: 3 } }", "got 2, 1, 3"},
        Bad{"timing { stale_ms: 200 }", "got 200 and 90"},
        Bad{"timing { stale_ms: 5 }", "got 5 and 90"},
        Bad{"timing { late_us: 0 }", "timing.late_us must be in (0, 5000]"},
        Bad{"timing { late_us: 6000 }", "got 6000"},
        Bad{"timing { spin_us: 2501 }", "2500, at most, got 2501"},
        Bad{"timing { invalid_ticks_off: 0 }", "invalid_ticks_off must be at least 1"},
        Bad{"timing { fade_ticks: 2000000 }", "1000000 at most"},
        Bad{"timing { operator_silent_ms: 5 }", "operator_silent_ms must be from 2"}));

}  // namespace
}  // namespace estuary::bridge
