#include "common/client/learner_subscriber.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/client/learner_client.h"
#include "tests/common/client/scripted_learner.h"

namespace estuary::client {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kLong = absl::Seconds(30);
constexpr absl::Duration kShort = absl::Milliseconds(50);

class LearnerClientTest : public testing::Test {
 protected:
  static std::string Address() {
    static int count = 0;
    return absl::StrCat("unix:/tmp/estuary-learner-test-", getpid(), "-", ++count);
  }

  LearnerSubscriber::Options Actor() const {
    return {.address = address_, .subscriber = "actor-0"};
  }
  LearnerSubscriber::Options Evaluator() const {
    return {.address = address_, .subscriber = "evaluator", .evaluations = true};
  }

  // Version of the next update, 0 where none comes.
  static uint64_t NextVersion(LearnerSubscriber& subscriber, absl::Duration timeout = kLong) {
    const auto update = subscriber.Next(timeout);
    return update == nullptr ? 0 : update->policy().version();
  }

  const std::string address_ = Address();
  ScriptedLearner learner_{address_};
};

TEST_F(LearnerClientTest, SaysWhoItIsAndReceivesVersions) {
  learner_.Start();
  LearnerSubscriber subscriber(Actor());
  learner_.Send(1);
  EXPECT_EQ(NextVersion(subscriber), 1u);
  EXPECT_EQ(learner_.request(0).subscriber(), "actor-0");
  EXPECT_FALSE(learner_.request(0).evaluations());
  EXPECT_EQ(subscriber.Next(kShort), nullptr);
}

TEST_F(LearnerClientTest, AnActorTakesTheNewestVersionOnly) {
  learner_.Start();
  LearnerSubscriber subscriber(Actor());
  for (int version = 1; version <= 20; ++version) learner_.Send(version);
  uint64_t version = 0;
  int taken = 0;
  while (version != 20) {
    ASSERT_TRUE(learner_.AwaitAllSent());
    absl::SleepFor(kShort);
    const uint64_t next = NextVersion(subscriber);
    ASSERT_GT(next, version);
    version = next;
    ++taken;
  }
  EXPECT_LE(taken, 3);
}

TEST_F(LearnerClientTest, AnEvaluatorTakesEveryVersionInOrder) {
  learner_.Start();
  LearnerSubscriber subscriber(Evaluator());
  for (int version = 1; version <= 20; ++version) learner_.Send(version);
  for (uint64_t version = 1; version <= 20; ++version) EXPECT_EQ(NextVersion(subscriber), version);
  EXPECT_TRUE(learner_.request(0).evaluations());
}

TEST_F(LearnerClientTest, WaitsForALearnerThatStartsLater) {
  LearnerSubscriber subscriber(Actor());
  EXPECT_EQ(subscriber.Next(kShort), nullptr);
  EXPECT_GT(subscriber.away(), absl::ZeroDuration());
  learner_.Send(1);
  learner_.Start();
  EXPECT_EQ(NextVersion(subscriber), 1u);
  EXPECT_EQ(subscriber.away(), absl::ZeroDuration());
  EXPECT_TRUE(subscriber.status().ok());
}

TEST_F(LearnerClientTest, IsConnectedBeforeThereIsAVersion) {
  learner_.Start();
  LearnerSubscriber subscriber(Actor());
  for (int i = 0; i < 300 && subscriber.away() != absl::ZeroDuration(); ++i) {
    absl::SleepFor(absl::Milliseconds(100));
  }
  EXPECT_EQ(subscriber.away(), absl::ZeroDuration());
}

TEST_F(LearnerClientTest, OutlivesARestartedLearnerWithLowerVersions) {
  learner_.Start();
  LearnerSubscriber subscriber(Actor());
  learner_.Send(9);
  EXPECT_EQ(NextVersion(subscriber), 9u);
  learner_.Stop();
  EXPECT_EQ(subscriber.Next(kShort), nullptr);
  learner_.Send(4);
  learner_.Start();
  EXPECT_EQ(NextVersion(subscriber), 4u);
  EXPECT_EQ(subscriber.reconnections(), 1u);
}

TEST_F(LearnerClientTest, SubscribesAgainWhereTheStreamEnds) {
  learner_.Start();
  LearnerSubscriber subscriber(Actor());
  ASSERT_TRUE(learner_.AwaitSubscriptions(1));
  learner_.EndStreams();
  ASSERT_TRUE(learner_.AwaitSubscriptions(2));
  learner_.Send(2);
  EXPECT_EQ(NextVersion(subscriber), 2u);
}

TEST_F(LearnerClientTest, EndsWithTheFinalVersion) {
  learner_.Start();
  LearnerSubscriber subscriber(Actor());
  learner_.Send(7, /*final=*/true);
  const auto update = subscriber.Next(kLong);
  ASSERT_NE(update, nullptr);
  EXPECT_TRUE(update->final());
  EXPECT_TRUE(subscriber.finished());
  EXPECT_EQ(subscriber.Next(kShort), nullptr);
  EXPECT_EQ(learner_.subscriptions(), 1);
}

TEST_F(LearnerClientTest, GivesUpWhereItIsRefused) {
  learner_.Refuse({grpc::StatusCode::INVALID_ARGUMENT, "no such subscriber"});
  learner_.Start();
  LearnerSubscriber subscriber(Actor());
  EXPECT_EQ(subscriber.Next(kLong), nullptr);
  EXPECT_THAT(subscriber.status().message(), HasSubstr("no such subscriber"));
  EXPECT_THAT(subscriber.status().message(), HasSubstr(address_));
}

TEST_F(LearnerClientTest, StopWakesWhoeverWaits) {
  learner_.Start();
  LearnerSubscriber subscriber(Evaluator());
  std::thread stop([&] {
    learner_.AwaitSubscriptions(1);
    subscriber.Stop();
  });
  EXPECT_EQ(subscriber.Next(absl::InfiniteDuration()), nullptr);
  stop.join();
}

TEST_F(LearnerClientTest, StopEndsAThreadThatWaitsForRoom) {
  learner_.Start();
  LearnerSubscriber subscriber(Evaluator());
  for (int version = 1; version <= 4; ++version) learner_.Send(version);
  // Stopped while its thread waits for room.
  ASSERT_TRUE(learner_.AwaitSubscriptions(1));
  absl::SleepFor(kShort);
  subscriber.Stop();
}

TEST_F(LearnerClientTest, CallsWaitForALearnerThatStartsLater) {
  LearnerClient client(address_);
  std::thread later([&] {
    absl::SleepFor(absl::Milliseconds(100));
    learner_.Start();
  });
  const auto experiment = client.GetExperiment(kLong);
  later.join();
  ASSERT_TRUE(experiment.ok()) << experiment.status();
  EXPECT_EQ(experiment->run_id(), "run");
}

TEST_F(LearnerClientTest, CallsNameTheLearnerThatDoesNotAnswer) {
  LearnerClient client(address_);
  const absl::Status status = client.GetExperiment(absl::Milliseconds(100)).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr(address_));
  EXPECT_FALSE(client.Status(kShort).ok());
}

TEST_F(LearnerClientTest, ARefusedReportIsNotTriedAgain) {
  learner_.Start();
  LearnerClient client(address_);
  const absl::Status status = client.ReportEvaluation({}, kLong);
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("no episodes"));
}

}  // namespace
}  // namespace estuary::client
