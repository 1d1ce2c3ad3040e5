// What becomes of transitions and changes of state behind the loop: in the spool, in the status, in
// the metrics.
#include "robot_bridge/recorder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <filesystem>
#include <sstream>
#include <vector>

#include "absl/time/clock.h"
#include "common/transition/block.h"
#include "tests/robot_bridge/no_driver.h"

namespace estuary::bridge {
namespace {

using testing::HasSubstr;

class RecorderTest : public testing::Test {
 protected:
  RecorderTest() {
    char name[] = "/tmp/estuary-recorder-XXXXXX";
    options_.directory = mkdtemp(name);
    options_.limit_bytes = 200'000;
  }
  ~RecorderTest() override {
    recorder_.reset();
    std::filesystem::remove_all(options_.directory);
  }

  void Start() {
    spool_ = *Spool::Open(options_, task_.Schema());
    board_ = std::make_unique<StatusBoard>("robot", task_, &telemetry_, &driver_, spool_.get());
    recorder_ = std::make_unique<Recorder>(Recorder::Parts{.robot = "robot",
                                                           .task = task_,
                                                           .telemetry = &telemetry_,
                                                           .spool = spool_.get(),
                                                           .driver = &driver_,
                                                           .board = board_.get(),
                                                           .flight_dir = "",
                                                           .metrics = &metrics_});
  }
  // `count` more transitions of one episode, each going on from the one before.
  void Drive(int count) {
    for (int i = 0; i < count; ++i) {
      Transition transition;
      transition.observation[0] = static_cast<float>(made_);
      transition.next_observation[0] = static_cast<float>(++made_);
      transition.episode = 5;
      while (!telemetry_.transitions.Push(transition)) absl::SleepFor(absl::Milliseconds(1));
    }
    while (telemetry_.transitions.Size() > 0) absl::SleepFor(absl::Milliseconds(1));
  }
  v1::RobotStatus Status() {
    v1::RobotStatus status;
    board_->Fill(status);
    return status;
  }
  template <typename Done>
  bool WaitFor(Done&& done) {
    for (int i = 0; i < 5000; ++i) {
      if (done(Status())) return true;
      absl::SleepFor(absl::Milliseconds(1));
    }
    return false;
  }
  std::string MetricsText() {
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, metrics_.Collect());
    return out.str();
  }
  // Everything durable from `position` on.
  transition::BlockBuilder Rows(uint64_t position) {
    transition::BlockBuilder rows(task_.Schema());
    EXPECT_TRUE(spool_->Read(position, 1'000'000, rows).ok());
    return rows;
  }

  const RobotTask task_ = *FindRobotTask("wheel_legged_stand");
  LoopTelemetry telemetry_;
  NoDriver driver_;
  process::Metrics metrics_;
  Spool::Options options_;
  std::unique_ptr<Spool> spool_;
  std::unique_ptr<StatusBoard> board_;
  std::unique_ptr<Recorder> recorder_;
  int made_ = 0;
};

TEST_F(RecorderTest, KeepsEveryTransitionInOrder) {
  Start();
  Drive(1000);
  ASSERT_TRUE(WaitFor([](const v1::RobotStatus& s) { return s.spool_rows_waiting() == 1000; }));
  recorder_->Stop();
  const auto rows = Rows(0);
  const auto observation = transition::Floats(rows.block(), transition::kObservation);
  ASSERT_EQ(rows.rows(), 1000u);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(observation[4 * i], i);
}

TEST_F(RecorderTest, MarksTheGapWhereTheSpoolIsFullAndSaysHowMuchIsLost) {
  Start();
  Drive(5000);
  ASSERT_TRUE(WaitFor([](const v1::RobotStatus& s) { return s.transitions_lost() > 0; }));
  EXPECT_GT(Status().spool_used(), 0.75);
  const uint64_t lost = Status().transitions_lost();
  const uint64_t kept = spool_->next();
  EXPECT_EQ(kept + lost, 5000u);
  ASSERT_TRUE(spool_->Sync().ok());
  {
    const auto rows = Rows(0);
    const auto flags = transition::Bytes(rows.block(), transition::kFlags);
    for (uint64_t i = 0; i + 1 < kept; ++i) ASSERT_EQ(flags[i], 0) << i;
    EXPECT_EQ(flags[kept - 1], v1::TRANSITION_FLAG_TRUNCATED) << "nothing follows it";
  }
  ASSERT_TRUE(spool_->Acknowledge(kept).ok());
  Drive(100);
  recorder_->Stop();
  const auto rows = Rows(kept);
  ASSERT_EQ(rows.rows(), 100u);
  const auto episode = transition::Uints(rows.block(), transition::kEpisode);
  EXPECT_GT(episode[0], 5u) << "what follows a loss is another episode";
  EXPECT_EQ(episode[99], episode[0]);
  EXPECT_GT(spool_->next_episode(), episode[0]);
  EXPECT_EQ(Status().transitions_lost(), lost);
}

TEST_F(RecorderTest, SaysLongBeforeTheSpoolIsFullHowLongItWillLast) {
  Start();
  EXPECT_EQ(spool_->oldest_seconds(), 0);
  const double at_first = Status().spool_seconds_left();
  EXPECT_NEAR(at_first, 200'000.0 / 62 * 0.005, 2);
  Drive(1000);
  ASSERT_TRUE(WaitFor([](const v1::RobotStatus& s) { return s.spool_rows_waiting() == 1000; }));
  EXPECT_NEAR(Status().spool_seconds_left(), at_first - 5, 0.5);
  EXPECT_GT(spool_->oldest_seconds(), 0);
  ASSERT_TRUE(spool_->Sync().ok());
  ASSERT_TRUE(spool_->Acknowledge(1000).ok());
  EXPECT_EQ(spool_->oldest_seconds(), 0);
}

TEST_F(RecorderTest, ShowsAndCountsEveryChangeOfStateWithItsReason) {
  Start();
  telemetry_.changes.Push({Now(), 1, State::kDisarmed, State::kArmed, Event::kArm});
  telemetry_.changes.Push({Now(), 2, State::kArmed, State::kOperator, Event::kChooseOperator});
  for (int i = 0; i < 20; ++i) {
    telemetry_.changes.Push({Now(), 3, State::kOperator, State::kFallback, Event::kOperatorSilent});
  }
  ASSERT_TRUE(WaitFor([](const v1::RobotStatus& s) { return s.changes_size() == 16; }));
  const v1::RobotStatus status = Status();
  const v1::StateChange& newest = status.changes(15);
  EXPECT_EQ(newest.from(), v1::ROBOT_STATE_OPERATOR);
  EXPECT_EQ(newest.to(), v1::ROBOT_STATE_FALLBACK);
  EXPECT_EQ(newest.reason_code(), "operator_silent");
  EXPECT_EQ(newest.reason(), "the operator's commands stopped");
  recorder_->Stop();
  const std::string metrics = MetricsText();
  EXPECT_THAT(metrics, HasSubstr("estuary_bridge_state_changes_total{from=\"OPERATOR\",reason="
                                 "\"operator_silent\",robot=\"robot\",to=\"FALLBACK\"} 20"));
  EXPECT_THAT(metrics, HasSubstr("estuary_bridge_state_changes_total{from=\"DISARMED\",reason="
                                 "\"arm\",robot=\"robot\",to=\"ARMED\"} 1"));
  EXPECT_THAT(metrics, HasSubstr("estuary_bridge_state_seconds_total{robot=\"robot\",state="
                                 "\"FALLBACK\"}"));
  EXPECT_THAT(metrics, HasSubstr("estuary_bridge_spool_used_ratio"));
  EXPECT_THAT(metrics, HasSubstr("estuary_bridge_spool_oldest_age_seconds"));
}

}  // namespace
}  // namespace estuary::bridge
