#include "actors/policy_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "common/policy/policy.h"
#include "common/process/metrics.h"
#include "tests/actors/fake_learner.h"
#include "tests/common/policy/policies.h"

namespace estuary::actor {
namespace {

using policy::testing::MakePolicyVersion;
using policy::testing::PolicyShape;
using testing::FakeLearner;
using ::testing::HasSubstr;

constexpr absl::Duration kSoon = absl::Seconds(20);

class PolicySourceTest : public ::testing::Test {
 protected:
  PolicySourceTest()
      : metrics_(registry_),
        learner_(absl::StrCat("unix:/tmp/policy_source_test_", getpid(), ".sock"), {}, "run-1") {
    learner_.Start();
  }
  ~PolicySourceTest() override { learner_.Stop(); }

  void Start(bool lockstep = false) {
    source_ = std::make_unique<PolicySource>(
        PolicySource::Options{.learner = learner_.address(),
                              .subscriber = "actor-0",
                              .run_id = "run-1",
                              .schema = transition::Schema::Standard("half_cheetah", 17, 6, 50000),
                              .rows = 4,
                              .lockstep = lockstep},
        inbox_, metrics_);
  }

  void Publish(const PolicyShape& shape, uint64_t limit = 0) {
    v1::PolicyUpdate update;
    *update.mutable_policy() = MakePolicyVersion(shape);
    update.set_environment_steps_limit(limit);
    learner_.Publish(update);
  }

  void PublishDamaged(uint64_t version) {
    v1::PolicyUpdate update;
    *update.mutable_policy() = MakePolicyVersion({.run_id = "run-1", .version = version});
    (*update.mutable_policy()->mutable_layers(0)->mutable_weight())[7] ^= 1;
    learner_.Publish(update);
  }

  process::Metrics registry_;
  ActorMetrics metrics_;
  FakeLearner learner_;
  PolicyInbox inbox_;
  std::unique_ptr<PolicySource> source_;
};

TEST_F(PolicySourceTest, DeliversVersionsReadyToAct) {
  Publish({.run_id = "run-1", .version = 3}, 500);
  Start();
  ASSERT_TRUE(inbox_.Wait(kSoon));
  const auto ready = inbox_.Take();
  ASSERT_TRUE(ready.ok()) << ready.status();
  EXPECT_EQ(ready->policy->version(), 3u);
  EXPECT_TRUE(ready->workspace.has_value());
  EXPECT_EQ(ready->steps_limit, 500u);
  EXPECT_FALSE(ready->final);
}

TEST_F(PolicySourceTest, ExploresWithThePolicyThatIsMeantForIt) {
  v1::PolicyUpdate update;
  *update.mutable_policy() = MakePolicyVersion({.run_id = "run-1", .version = 3});
  *update.mutable_exploration_policy() = MakePolicyVersion({.run_id = "run-1", .version = 4});
  learner_.Publish(update);
  Start();
  ASSERT_TRUE(inbox_.Wait(kSoon));
  EXPECT_EQ(inbox_.Take()->policy->version(), 4u);
}

TEST_F(PolicySourceTest, DeliversTheEndWithoutAPolicy) {
  v1::PolicyUpdate update;
  update.set_final(true);
  learner_.Publish(update);
  Start();
  ASSERT_TRUE(inbox_.Wait(kSoon));
  const auto ready = inbox_.Take();
  ASSERT_TRUE(ready.ok());
  EXPECT_TRUE(ready->final);
  EXPECT_EQ(ready->policy, nullptr);
}

TEST_F(PolicySourceTest, RefusesAnotherTasksPolicyAndSaysSo) {
  Publish({.task = "walker2d", .run_id = "run-1", .version = 5});
  Start();
  ASSERT_TRUE(inbox_.Wait(kSoon));
  const absl::Status status = inbox_.Take().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("is for task 'walker2d'"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("needed is one for task 'half_cheetah'"));
}

TEST_F(PolicySourceTest, RefusesOtherDimensions) {
  Publish({.run_id = "run-1", .observation_dim = 18});
  Start();
  ASSERT_TRUE(inbox_.Wait(kSoon));
  EXPECT_EQ(inbox_.Take().status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(PolicySourceTest, RefusesAnotherRunsPolicy) {
  Publish({.run_id = "run-2", .version = 5});
  Start();
  ASSERT_TRUE(inbox_.Wait(kSoon));
  const absl::Status status = inbox_.Take().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("is of run 'run-2'"));
}

TEST_F(PolicySourceTest, GoesOnPastADamagedVersion) {
  PublishDamaged(1);
  Start();
  EXPECT_FALSE(inbox_.Wait(absl::Milliseconds(300)));
  Publish({.run_id = "run-1", .version = 2});
  ASSERT_TRUE(inbox_.Wait(kSoon));
  EXPECT_EQ(inbox_.Take()->policy->version(), 2u);
}

TEST_F(PolicySourceTest, DoesNotLetLockstepHangOnADamagedVersion) {
  PublishDamaged(1);
  Start(/*lockstep=*/true);
  ASSERT_TRUE(inbox_.Wait(kSoon));
  EXPECT_EQ(inbox_.Take().status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(PolicySourceTest, ComesBackWhenTheLearnerDoes) {
  Publish({.run_id = "run-1", .version = 1});
  Start();
  ASSERT_TRUE(inbox_.Wait(kSoon));
  EXPECT_EQ(inbox_.Take()->policy->version(), 1u);
  learner_.Stop();
  Publish({.run_id = "run-1", .version = 2});
  learner_.Start();
  ASSERT_TRUE(inbox_.Wait(kSoon));
  EXPECT_EQ(inbox_.Take()->policy->version(), 2u);
  EXPECT_EQ(learner_.subscriptions("actor-0"), 2);
}

TEST(PolicyInbox, KeepsTheNewestAndNeverReplacesTheFinalOne) {
  PolicyInbox inbox;
  EXPECT_FALSE(inbox.fresh());
  EXPECT_EQ(inbox.Take().status().code(), absl::StatusCode::kNotFound);
  inbox.Put({.steps_limit = 1});
  inbox.Put({.steps_limit = 2});
  EXPECT_TRUE(inbox.fresh());
  EXPECT_EQ(inbox.Take()->steps_limit, 2u);
  EXPECT_FALSE(inbox.fresh());
  inbox.Put({.steps_limit = 3, .final = true});
  inbox.Put({.steps_limit = 4});
  EXPECT_EQ(inbox.Take()->steps_limit, 3u);
}

TEST(PolicyInbox, KeepsAnError) {
  PolicyInbox inbox;
  inbox.Fail(absl::FailedPreconditionError("no"));
  inbox.Put({.steps_limit = 1});
  EXPECT_TRUE(inbox.fresh());
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(inbox.Take().status().code(), absl::StatusCode::kFailedPrecondition);
  }
}

}  // namespace
}  // namespace estuary::actor
