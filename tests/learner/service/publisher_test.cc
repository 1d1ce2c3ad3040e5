#include "learner/service/publisher.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace estuary::learner {
namespace {

constexpr absl::Duration kNoWait = absl::ZeroDuration();
constexpr absl::Duration kLong = absl::Seconds(30);

Publisher::Update Version(uint64_t version, bool final = false) {
  auto update = std::make_shared<v1::PolicyUpdate>();
  update->mutable_policy()->set_version(version);
  update->set_final(final);
  return update;
}

// The versions that a subscription would give now.
std::vector<uint64_t> Drain(Publisher::Subscription& subscription) {
  std::vector<uint64_t> versions;
  while (const Publisher::Update update = subscription.Next(kNoWait)) {
    versions.push_back(update->policy().version());
  }
  return versions;
}

TEST(Publisher, ANewSubscriberGetsTheNewestVersionAtOnce) {
  Publisher publisher;
  publisher.Publish(Version(1), false);
  publisher.Publish(Version(2), false);
  EXPECT_EQ(Drain(*publisher.Subscribe(false)), std::vector<uint64_t>{2});
}

TEST(Publisher, GivesNothingWhereThereIsNoVersionYet) {
  Publisher publisher;
  EXPECT_EQ(publisher.Subscribe(false)->Next(kNoWait), nullptr);
}

TEST(Publisher, ASlowSubscriberMissesVersionsAndGetsTheNewest) {
  Publisher publisher;
  const auto subscription = publisher.Subscribe(false);
  for (int version = 1; version <= 50; ++version) publisher.Publish(Version(version), false);
  EXPECT_EQ(Drain(*subscription), std::vector<uint64_t>{50});
}

TEST(Publisher, AWaitingSubscriberWakes) {
  Publisher publisher;
  const auto subscription = publisher.Subscribe(false);
  std::thread later([&] { publisher.Publish(Version(3), false); });
  const Publisher::Update update = subscription->Next(kLong);
  later.join();
  ASSERT_NE(update, nullptr);
  EXPECT_EQ(update->policy().version(), 3u);
}

TEST(Publisher, AnEvaluatorGetsEveryVersionToEvaluateInOrderAndNoOther) {
  Publisher publisher;
  const auto evaluator = publisher.Subscribe(true);
  publisher.Publish(Version(1), false);
  publisher.Publish(Version(2), true);
  publisher.Publish(Version(3), false);
  publisher.Publish(Version(4), true);
  EXPECT_EQ(Drain(*evaluator), (std::vector<uint64_t>{2, 4}));
}

TEST(Publisher, AnEvaluatorThatComesBackGetsAgainWhatItDidNotReport) {
  Publisher publisher;
  publisher.Publish(Version(2), true);
  publisher.Publish(Version(4), true);
  EXPECT_EQ(Drain(*publisher.Subscribe(true)), (std::vector<uint64_t>{2, 4}));
  publisher.Retire(2);
  EXPECT_EQ(Drain(*publisher.Subscribe(true)), std::vector<uint64_t>{4});
  EXPECT_EQ(publisher.Pending().size(), 1u);
}

TEST(Publisher, TheFinalUpdateReachesEverybodyAfterWhatIsLeftToEvaluate) {
  Publisher publisher;
  const auto actor = publisher.Subscribe(false);
  const auto evaluator = publisher.Subscribe(true);
  publisher.Publish(Version(5), true);
  publisher.Publish(Version(5, /*final=*/true), true);
  EXPECT_TRUE(actor->Next(kNoWait)->final());
  EXPECT_EQ(actor->Next(kNoWait), nullptr);
  EXPECT_FALSE(evaluator->Next(kNoWait)->final());
  EXPECT_TRUE(evaluator->Next(kNoWait)->final());
  EXPECT_EQ(evaluator->Next(kNoWait), nullptr);
  // Whoever comes now learns at once that all is over.
  EXPECT_TRUE(publisher.Subscribe(false)->Next(kNoWait)->final());
}

TEST(Publisher, GivesUpTheOldestEvaluationsWhereNobodyTakesThem) {
  Publisher publisher(/*evaluations_kept=*/3);
  for (int version = 1; version <= 5; ++version) publisher.Publish(Version(version), true);
  EXPECT_EQ(publisher.evaluations_given_up(), 2u);
  EXPECT_EQ(Drain(*publisher.Subscribe(true)), (std::vector<uint64_t>{3, 4, 5}));
}

TEST(Publisher, KnowsWhoIsThere) {
  Publisher publisher;
  EXPECT_TRUE(publisher.WaitUntilAlone(kNoWait));
  EXPECT_FALSE(publisher.evaluated());
  {
    const auto actor = publisher.Subscribe(false);
    const auto evaluator = publisher.Subscribe(true);
    EXPECT_EQ(publisher.subscribers(), 2);
    EXPECT_FALSE(publisher.WaitUntilAlone(kNoWait));
  }
  EXPECT_TRUE(publisher.WaitUntilAlone(kNoWait));
  EXPECT_TRUE(publisher.evaluated());
}

}  // namespace
}  // namespace estuary::learner
