#include "learner/service/pace.h"

#include <gtest/gtest.h>

#include <vector>

#include "common/experiment/experiment.h"

namespace estuary::learner {
namespace {

Pace MakePace(bool lockstep) {
  Pace pace;
  pace.simulation = true;
  pace.lockstep = lockstep;
  pace.gradient_steps = 100;
  pace.gradient_steps_per_epoch = 20;
  pace.environment_steps = 50;
  pace.environment_steps_per_epoch = 10;
  pace.publish_every = 20;
  pace.checkpoint_every = 30;
  pace.evaluate_every_epochs = 2;
  pace.report_every = 50;
  return pace;
}

TEST(Pace, NoStepComesBeforeTheFirstEpochsRows) {
  EXPECT_EQ(AllowedGradientSteps(MakePace(false), 0), 0u);
  EXPECT_EQ(AllowedGradientSteps(MakePace(false), 9), 0u);
  EXPECT_EQ(AllowedGradientSteps(MakePace(false), 10), 20u);
}

TEST(Pace, StepsFollowTheRowsAtTheExperimentsRatio) {
  EXPECT_EQ(AllowedGradientSteps(MakePace(false), 11), 22u);
  EXPECT_EQ(AllowedGradientSteps(MakePace(false), 37), 74u);
}

TEST(Pace, InLockstepOnlyWholeEpochsCount) {
  EXPECT_EQ(AllowedGradientSteps(MakePace(true), 9), 0u);
  EXPECT_EQ(AllowedGradientSteps(MakePace(true), 19), 20u);
  EXPECT_EQ(AllowedGradientSteps(MakePace(true), 20), 40u);
}

TEST(Pace, AllStepsAreAllowedOnceTheBudgetOfRowsIsThere) {
  Pace pace = MakePace(false);
  pace.gradient_steps = 1000;
  EXPECT_EQ(AllowedGradientSteps(pace, 49), 98u);
  EXPECT_EQ(AllowedGradientSteps(pace, 50), 1000u);
}

TEST(Pace, NeverAllowsMoreThanTheBudgetOfSteps) {
  Pace pace = MakePace(false);
  pace.gradient_steps = 30;
  EXPECT_EQ(AllowedGradientSteps(pace, 40), 30u);
}

TEST(Pace, WithoutSimulationEverythingIsAllowedAtOnce) {
  Pace pace = MakePace(false);
  pace.simulation = false;
  EXPECT_EQ(AllowedGradientSteps(pace, 0), 100u);
  EXPECT_EQ(WantedSimRows(pace, 40), 0u);
}

TEST(Pace, IsExactForHugeBudgets) {
  Pace pace = MakePace(false);
  pace.gradient_steps = 1'000'000'000'000;
  pace.environment_steps = 1'000'000'000'000;
  pace.gradient_steps_per_epoch = 999'983;
  pace.environment_steps_per_epoch = 999'979;
  EXPECT_EQ(AllowedGradientSteps(pace, 999'979'000'000), 999'983'000'000u);
}

TEST(Pace, LockstepWantsAnEpochMoreThanItsStepsHaveUsed) {
  const Pace pace = MakePace(true);
  EXPECT_EQ(WantedSimRows(pace, 0), 10u);
  EXPECT_EQ(WantedSimRows(pace, 19), 10u);
  EXPECT_EQ(WantedSimRows(pace, 20), 20u);
  EXPECT_EQ(WantedSimRows(pace, 99), 50u);
  EXPECT_EQ(WantedSimRows(pace, 1000), 50u);
}

TEST(Pace, LockstepWantsTheRestWhereTheBudgetIsNoWholeNumberOfEpochs) {
  Pace pace = MakePace(true);
  pace.environment_steps = 15;
  EXPECT_EQ(WantedSimRows(pace, 0), 10u);
  EXPECT_EQ(WantedSimRows(pace, 20), 15u);
  EXPECT_EQ(AllowedGradientSteps(pace, 15), 100u);
}

TEST(Pace, LockstepNeverWaitsForRowsThatItDoesNotAskFor) {
  const Pace pace = MakePace(true);
  for (uint64_t steps = 0; steps < pace.gradient_steps; ++steps) {
    EXPECT_GT(AllowedGradientSteps(pace, WantedSimRows(pace, steps)), steps) << steps;
  }
}

TEST(Pace, PublishesAtEveryEpochsEndAndAtTheVeryEnd) {
  Pace pace = MakePace(false);
  pace.gradient_steps = 50;
  std::vector<uint64_t> published;
  for (uint64_t step = 0; step <= 50; ++step) {
    if (PublishDue(pace, step)) published.push_back(step);
  }
  EXPECT_EQ(published, (std::vector<uint64_t>{20, 40, 50}));
}

TEST(Pace, EvaluatesEveryFewEpochsAndTheLastVersion) {
  Pace pace = MakePace(false);
  pace.gradient_steps = 100;
  std::vector<uint64_t> evaluated;
  for (uint64_t step = 0; step <= 100; ++step) {
    if (step > 0 && EvaluationDue(pace, step)) evaluated.push_back(step);
  }
  EXPECT_EQ(evaluated, (std::vector<uint64_t>{40, 80, 100}));
}

TEST(Pace, EveryVersionToEvaluateIsPublished) {
  Pace pace = MakePace(false);
  pace.publish_every = 7;
  for (uint64_t step = 1; step <= 100; ++step) {
    EXPECT_TRUE(!EvaluationDue(pace, step) || PublishDue(pace, step)) << step;
  }
}

TEST(Pace, NothingDueIsSteppedOver) {
  Pace pace = MakePace(false);
  pace.publish_every = 7;
  for (uint64_t step = 0; step < pace.gradient_steps;) {
    const uint64_t next = NextDue(pace, step);
    ASSERT_GT(next, step);
    for (uint64_t between = step + 1; between < next; ++between) {
      EXPECT_FALSE(PublishDue(pace, between) || EvaluationDue(pace, between) ||
                   CheckpointDue(pace, between) || ReportDue(pace, between))
          << between;
    }
    step = next;
  }
  EXPECT_EQ(NextDue(pace, 99), 100u);
}

TEST(Pace, ComesFromTheEffectiveExperiment) {
  v1::Experiment experiment;
  experiment.set_name("x");
  experiment.set_task("half_cheetah");
  experiment.mutable_algorithm()->set_name("sac");
  experiment.mutable_budget()->set_publish_every(250);
  ASSERT_TRUE(experiment::FillDefaults(experiment).ok());
  Pace pace = Pace::FromExperiment(experiment);
  EXPECT_TRUE(pace.simulation);
  EXPECT_FALSE(pace.lockstep);
  EXPECT_EQ(pace.gradient_steps, 1'000'000u);
  EXPECT_EQ(pace.environment_steps, 1'000'000u);
  EXPECT_EQ(pace.gradient_steps_per_epoch, 1000u);
  EXPECT_EQ(pace.environment_steps_per_epoch, 1000u);
  EXPECT_EQ(pace.publish_every, 250u);
  EXPECT_EQ(pace.checkpoint_every, 10'000u);
  EXPECT_EQ(pace.evaluate_every_epochs, 10u);
  // Between two epochs a lockstep run has one version only.
  experiment.set_deterministic(true);
  EXPECT_EQ(Pace::FromExperiment(experiment).publish_every, 1000u);
}

}  // namespace
}  // namespace estuary::learner
