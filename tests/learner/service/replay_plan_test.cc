#include "learner/service/replay_plan.h"

#include <gtest/gtest.h>

#include "common/experiment/experiment.h"

namespace estuary::learner {
namespace {

TEST(PlanReplays, HoldsWhatFitsAndRealDataFirst) {
  EXPECT_TRUE(PlanReplays(100, 40, 60).sim_on_device);
  const ReplayPlan sim = PlanReplays(99, 40, 60);
  EXPECT_TRUE(sim.real_on_device);
  EXPECT_FALSE(sim.sim_on_device);
  const ReplayPlan real = PlanReplays(60, 61, 60);
  EXPECT_FALSE(real.real_on_device);
  EXPECT_TRUE(real.sim_on_device);
  EXPECT_FALSE(PlanReplays(1, 61, 60).sim_on_device);
}

TEST(PlanReplays, HoldsEverythingWhereNobodyKnowsTheBudget) {
  const ReplayPlan plan = PlanReplays(0, 1'000'000'000, 1'000'000'000);
  EXPECT_TRUE(plan.real_on_device && plan.sim_on_device);
}

TEST(PlanReplays, CountsTheRowsThatTheExperimentUses) {
  v1::Experiment experiment;
  experiment.set_name("x");
  experiment.set_task("half_cheetah");
  experiment.mutable_algorithm()->set_name("h2o");
  experiment.mutable_dataset()->set_transitions(1000);
  ASSERT_TRUE(experiment::FillDefaults(experiment).ok());
  // A row of HalfCheetah: 17 + 6 + 17 + 2 floats; table sim holds ten times the dataset.
  const ReplayPlan plan = PlanReplays(experiment, 17, 6, 2'000'000);
  EXPECT_EQ(plan.real_bytes, 168'000u);
  EXPECT_EQ(plan.sim_bytes, 1'680'000u);
  EXPECT_EQ(plan.budget_bytes, 1'000'000u);
  EXPECT_FALSE(plan.sim_on_device);
  experiment.mutable_replay()->set_device_budget_bytes(5'000'000);
  EXPECT_TRUE(PlanReplays(experiment, 17, 6, 10).sim_on_device);
  experiment.mutable_algorithm()->Clear();
  experiment.mutable_algorithm()->set_name("sac");
  ASSERT_TRUE(experiment::FillDefaults(experiment).ok());
  EXPECT_EQ(PlanReplays(experiment, 17, 6, 10).real_bytes, 0u);
}

}  // namespace
}  // namespace estuary::learner
