#include "robot_bridge/operator_desk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>
#include <vector>

#include "robot_bridge/loop/clock.h"

namespace estuary::bridge {
namespace {

// A loop that only answers.
class FakeLoop {
 public:
  FakeLoop() : desk_(&port_, &wakeup_) {}
  ~FakeLoop() {
    running_ = false;
    if (thread_.joinable()) thread_.join();
  }

  void Start(Answer answer) {
    thread_ = std::thread([this, answer] {
      Request request;
      while (running_) {
        wakeup_.Wait(Now() + kMillisecond);
        while (port_.requests.Pop(request)) {
          served_.push_back(request.event);
          port_.replies.Push({request.id, answer, State::kDisarmed});
        }
      }
    });
  }
  void Join() {
    running_ = false;
    thread_.join();
  }
  std::future<absl::Status> Ask(Event event) {
    auto promise = std::make_shared<std::promise<absl::Status>>();
    desk_.Ask(event, [promise](const absl::Status& status) { promise->set_value(status); });
    return promise->get_future();
  }

  std::vector<Event> served_;
  OperatorPort port_;
  Wakeup wakeup_;
  std::atomic<bool> running_{true};
  std::thread thread_;
  OperatorDesk desk_;
};

TEST(OperatorDesk, CarriesAWishToTheLoopAndItsAnswerBack) {
  FakeLoop loop;
  loop.Start(Answer::kDone);
  EXPECT_TRUE(loop.Ask(Event::kArm).get().ok());
  loop.Join();
  EXPECT_EQ(loop.served_, std::vector<Event>{Event::kArm});
}

TEST(OperatorDesk, SaysWhyTheLoopRefused) {
  FakeLoop loop;
  loop.Start(Answer::kNoRobot);
  const absl::Status status = loop.Ask(Event::kArm).get();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              testing::HasSubstr("refused to arm in state DISARMED"));
}

TEST(OperatorDesk, GivesUpOnALoopThatDoesNotAnswer) {
  FakeLoop loop;
  EXPECT_EQ(loop.Ask(Event::kArm).get().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST(OperatorDesk, BoundsWhatWaitsAndLetsAnEmergencyStopPass) {
  FakeLoop loop;
  // Nobody answers yet, so all of these wait.
  std::vector<std::future<absl::Status>> asked;
  for (int i = 0; i < 100; ++i) asked.push_back(loop.Ask(Event::kChooseFallback));
  EXPECT_EQ(asked.back().get().code(), absl::StatusCode::kResourceExhausted);
  std::future<absl::Status> stop = loop.Ask(Event::kEmergencyStop);
  loop.Start(Answer::kDone);
  EXPECT_TRUE(stop.get().ok());
  loop.desk_.Stop();
  loop.Join();
  // What was on its way to the loop when the stop came is before it, nothing else.
  ASSERT_GE(loop.served_.size(), 1u);
  EXPECT_TRUE(loop.served_[0] == Event::kEmergencyStop || loop.served_[1] == Event::kEmergencyStop);
}

TEST(OperatorDesk, AnswersEverybodyWhenItStops) {
  FakeLoop loop;
  std::future<absl::Status> first = loop.Ask(Event::kArm);
  std::future<absl::Status> second = loop.Ask(Event::kDisarm);
  loop.desk_.Stop();
  EXPECT_FALSE(first.get().ok());
  EXPECT_EQ(second.get().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(loop.Ask(Event::kArm).get().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace estuary::bridge
