#include "actors/pace.h"

#include <gtest/gtest.h>

namespace estuary::actor {
namespace {

v1::Experiment WithEpoch(uint64_t steps, uint32_t actors) {
  v1::Experiment experiment;
  experiment.mutable_budget()->set_environment_steps_per_epoch(steps);
  experiment.mutable_cluster()->set_actors(actors);
  return experiment;
}

TEST(Pace, LetsSeveralWholeBlocksIntoTheBuffer) {
  for (const uint64_t epoch : {1u, 50u, 1000u, 1000000u}) {
    for (const uint32_t actors : {1u, 4u, 100u}) {
      for (const int environments : {1, 8, 64, 4096}) {
        const Pace pace = ChoosePace(WithEpoch(epoch, actors), environments);
        EXPECT_GE(pace.block_rows, 1u);
        EXPECT_GE(pace.buffer_rows, 4 * (pace.block_rows + environments - 1)) << environments;
      }
    }
  }
}

TEST(Pace, KeepsOneActorWithinAnEpoch) {
  EXPECT_LE(ChoosePace(WithEpoch(1000, 1), 8).buffer_rows, 1000u);
  EXPECT_LE(ChoosePace(WithEpoch(1000, 4), 8).buffer_rows, 250u);
}

TEST(Pace, SharesTheRandomStepsOutWithNoneLost) {
  for (const uint64_t total : {0u, 1u, 7u, 1000u}) {
    for (const uint32_t actors : {1u, 2u, 3u, 8u}) {
      v1::Experiment experiment = WithEpoch(1000, actors);
      experiment.mutable_exploration()->set_random_steps(total);
      uint64_t sum = 0;
      for (uint32_t i = 0; i < actors; ++i) sum += RandomShare(experiment, static_cast<int>(i));
      EXPECT_EQ(sum, total);
      EXPECT_EQ(RandomShare(experiment, static_cast<int>(actors)), 0u);
    }
  }
}

TEST(Pace, GivesReplicasRandomStepsOnlyInTheRandomStart) {
  v1::Experiment experiment = WithEpoch(1000, 4);
  experiment.mutable_exploration()->set_random_steps(1001);
  EXPECT_EQ(RandomShareOfReplica(experiment, 0), 251u);
  EXPECT_EQ(RandomShareOfReplica(experiment, 900), 101u);
  EXPECT_EQ(RandomShareOfReplica(experiment, 1001), 0u);
  EXPECT_EQ(RandomShareOfReplica(experiment, 50000), 0u);
}

}  // namespace
}  // namespace estuary::actor
