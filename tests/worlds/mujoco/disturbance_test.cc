// What a gap does to actions and observations, and how it draws numbers: seen from outside, in
// worlds that step.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "worlds/world.h"

namespace estuary::worlds {
namespace {

using ::testing::DoubleNear;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Pointwise;

constexpr int kObservations = 17;
constexpr int kActions = 6;

std::vector<std::unique_ptr<World>> Cheetahs(const std::string& gap, int count = 1,
                                             uint64_t gap_seed = 0) {
  v1::Gap parsed;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(gap, &parsed)) << gap;
  auto worlds = MakeWorlds({.task = "half_cheetah", .gap = parsed, .gap_seed = gap_seed}, count);
  EXPECT_TRUE(worlds.ok()) << worlds.status();
  return *std::move(worlds);
}

// What is observed after each of the actions (the same number for every motor), from rest.
std::vector<double> Drive(World& world, const std::vector<double>& actions, uint64_t seed = 1) {
  std::vector<double> observation(kObservations);
  EXPECT_TRUE(
      world.SetState(std::vector<double>(9), std::vector<double>(9), absl::MakeSpan(observation))
          .ok());
  Random random(seed);
  std::vector<double> all;
  for (const double action : actions) {
    world.Step(std::vector<double>(kActions, action), random, absl::MakeSpan(observation));
    all.insert(all.end(), observation.begin(), observation.end());
  }
  return all;
}

std::vector<double> Drive(const std::string& gap, const std::vector<double>& actions) {
  return Drive(*Cheetahs(gap)[0], actions);
}

std::vector<float> Label(const World& world) {
  return std::vector<float>(world.gap().begin(), world.gap().end());
}

std::vector<float> Reset(World& world, Random& random) {
  std::vector<double> observation(kObservations);
  world.Reset(EpisodeKind::kTraining, random, absl::MakeSpan(observation));
  return Label(world);
}

// Of the first joint's rate after one step from rest at a speed, over many draws of the noise.
double DeviationAtSpeed(const std::string& gap, double speed) {
  const auto worlds = Cheetahs(gap);
  std::vector<double> observation(kObservations);
  std::vector<double> qvel(9);
  qvel[0] = speed;
  Random random(1);
  double sum = 0, squares = 0;
  const int draws = 200;
  for (int i = 0; i < draws; ++i) {
    EXPECT_TRUE(
        worlds[0]->SetState(std::vector<double>(9), qvel, absl::MakeSpan(observation)).ok());
    worlds[0]->Step(std::vector<double>(kActions), random, absl::MakeSpan(observation));
    sum += observation[11];
    squares += observation[11] * observation[11];
  }
  return std::sqrt(std::max(0.0, squares / draws - (sum / draws) * (sum / draws)));
}

TEST(ActionNoise, DisturbsActions) {
  EXPECT_LT(DeviationAtSpeed("", 1), 1e-6);
  EXPECT_GT(DeviationAtSpeed("edits { action_noise: 1 }", 0), .1);
}

TEST(ActionNoise, GrowsWithSpeed) {
  const std::string gap = "edits { velocity_action_noise: .1 }";
  EXPECT_LT(DeviationAtSpeed(gap, 0), 1e-6);
  const double slow = DeviationAtSpeed(gap, .5);
  EXPECT_NEAR(DeviationAtSpeed(gap, -2) / slow, 4, .8);
}

TEST(ActionNoise, OfTwoEditsAddsUp) {
  const double one = DeviationAtSpeed("edits { action_noise: .3 }", 0);
  const double both = DeviationAtSpeed("edits { action_noise: .3 } edits { action_noise: .4 }", 0);
  EXPECT_NEAR(both / one, 5. / 3, .3);
}

TEST(ActionDelay, HoldsBackEachActionAndStartsWithNone) {
  EXPECT_EQ(Drive("edits { action_delay: 2 }", {.1, -.7, .5, .9, -.3}),
            Drive("", {0, 0, .1, -.7, .5}));
}

TEST(ActionDelay, OfTwoEditsAddsUp) {
  EXPECT_EQ(Drive("edits { action_delay: 2 } edits { action_delay: 1 }", {.1, -.7, .5, .9, -.3}),
            Drive("edits { action_delay: 3 }", {.1, -.7, .5, .9, -.3}));
}

TEST(ActionDelay, ForgetsTheEpisodeBefore) {
  const auto worlds = Cheetahs("edits { action_delay: 2 }");
  const std::vector<double> first = Drive(*worlds[0], {1, 1, 1});
  EXPECT_EQ(Drive(*worlds[0], {1, 1, 1}), first);
}

TEST(ActionDelay, OfNoPeriodChangesNothing) {
  EXPECT_EQ(Drive("edits { action_delay: 0 }", {.1, -.7}), Drive("", {.1, -.7}));
}

TEST(ActionDeadZone, SwallowsSmallActionsAndShrinksTheRest) {
  EXPECT_THAT(Drive("edits { action_dead_zone: .25 }", {.2, -.25, .75, -1}),
              Pointwise(DoubleNear(1e-12), Drive("", {0, 0, .5, -.75})));
}

// An action above the zone loses it once; noise behind the zone is not swallowed by it.
TEST(GapOrder, IsThatOfTheList) {
  const double behind =
      DeviationAtSpeed("edits { action_dead_zone: .9 } edits { action_noise: .1 }", 0);
  const double before =
      DeviationAtSpeed("edits { action_noise: .1 } edits { action_dead_zone: .9 }", 0);
  EXPECT_GT(behind, .01);
  EXPECT_LT(before, 1e-6);
}

TEST(ObservationNoise, DisturbsWhatItNames) {
  const auto worlds = Cheetahs("edits { observation_noise { names: 'angle' std: .5 } }");
  const std::vector<double> noisy = Drive(*worlds[0], {.3, .3});
  const std::vector<double> clean = Drive("", {.3, .3});
  for (size_t i = 0; i < noisy.size(); ++i) {
    if (i % kObservations == 1) {
      EXPECT_NE(noisy[i], clean[i]);
    } else {
      EXPECT_EQ(noisy[i], clean[i]) << i;
    }
  }
}

TEST(ObservationNoise, HasItsDeviationAtResetsToo) {
  const auto worlds = Cheetahs("edits { observation_noise { std: 10 } }");
  Random random(3);
  std::vector<double> observation(kObservations);
  double squares = 0;
  const int draws = 100;
  for (int i = 0; i < draws; ++i) {
    worlds[0]->Reset(EpisodeKind::kTraining, random, absl::MakeSpan(observation));
    for (const double value : observation) squares += value * value;
  }
  EXPECT_NEAR(std::sqrt(squares / (draws * kObservations)), 10, .5);
}

TEST(GapLabel, SaysEachEditsNumber) {
  EXPECT_THAT(Label(*Cheetahs("edits { model_field { field: 'opt.gravity' scale: 2 } }"
                              "edits { action_noise: .5 } edits { action_delay: 3 }"
                              "edits { action_dead_zone: .25 }"
                              "edits { observation_noise { std: .125 } }")[0]),
              ElementsAre(2, .5, 3, .25, .125));
  EXPECT_TRUE(Label(*Cheetahs("")[0]).empty());
}

constexpr char kDrawnGap[] =
    "edits { model_field { field: 'opt.gravity' scale: .5 } up_to: 2 }"
    "edits { action_delay: 0 up_to: 2 }"
    "edits { action_noise: .1 up_to: .2 draw: ACTOR }";

TEST(DrawnGap, StaysInItsRangeAndReachesAllOfIt) {
  const auto worlds = Cheetahs(kDrawnGap);
  Random random(1);
  std::set<float> scales, delays;
  for (int i = 0; i < 60; ++i) {
    const std::vector<float> label = Reset(*worlds[0], random);
    scales.insert(label[0]);
    delays.insert(label[1]);
  }
  EXPECT_GE(*scales.begin(), .5);
  EXPECT_LT(*scales.begin(), .7);
  EXPECT_LE(*scales.rbegin(), 2);
  EXPECT_GT(*scales.rbegin(), 1.8);
  EXPECT_THAT(delays, ElementsAre(0, 1, 2));
}

TEST(DrawnGap, IsTheSameForTheSameSeed) {
  const auto one = Cheetahs(kDrawnGap), same = Cheetahs(kDrawnGap), other = Cheetahs(kDrawnGap);
  Random random_one(1), random_same(1), random_other(2);
  for (int i = 0; i < 3; ++i) {
    const std::vector<float> label = Reset(*one[0], random_one);
    EXPECT_EQ(Reset(*same[0], random_same), label);
    EXPECT_NE(Reset(*other[0], random_other), label);
  }
}

TEST(DrawnGap, OfAnActorIsDrawnOnceFromItsSeed) {
  const auto worlds = Cheetahs(kDrawnGap, 2, 7);
  const auto restarted = Cheetahs(kDrawnGap, 1, 7);
  const auto another = Cheetahs(kDrawnGap, 1, 8);
  const float number = Label(*worlds[0])[2];
  EXPECT_THAT(number, ::testing::AllOf(::testing::Ge(.1), ::testing::Le(.2)));
  Random random(1);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Reset(*worlds[i % 2], random)[2], number);
  EXPECT_EQ(Label(*restarted[0])[2], number);
  EXPECT_NE(Label(*another[0])[2], number);
}

TEST(DrawnGap, ChangesNoOtherEditsNumber) {
  const std::string gap = "edits { action_noise: 0 up_to: 1 draw: ACTOR }";
  EXPECT_EQ(Label(*Cheetahs(gap, 1, 5)[0])[0], Label(*Cheetahs(gap + gap, 1, 5)[0])[0]);
  const std::vector<float> both = Label(*Cheetahs(gap + gap, 1, 5)[0]);
  EXPECT_NE(both[0], both[1]);
}

// The dynamics of an episode are those of its label, not of the world beside it or the episode
// before it.
TEST(DrawnGap, IsWhatTheEpisodeObeys) {
  const auto drawn =
      Cheetahs("edits { model_field { field: 'opt.gravity' scale: .5 } up_to: 2 }", 3);
  const std::vector<double> actions = {.5, -.5, 1};
  Random random(1);
  for (int round = 0; round < 2; ++round) {
    for (const auto& world : drawn) Reset(*world, random);
    for (const auto& world : drawn) {
      const std::string scale = std::to_string(Label(*world)[0]);
      EXPECT_THAT(Drive(*world, actions),
                  Pointwise(DoubleNear(1e-4), Drive("edits { model_field { field: 'opt.gravity' "
                                                    "scale: " +
                                                        scale + " } }",
                                                    actions)));
    }
  }
}

TEST(DrawnGap, OfMassesRecomputesWhatDependsOnThem) {
  const auto drawn = Cheetahs("edits { model_field { field: 'body_mass' scale: 2 } up_to: 2 }");
  Random random(1);
  Reset(*drawn[0], random);
  EXPECT_EQ(Drive(*drawn[0], {.5, -.5}),
            Drive("edits { model_field { field: 'body_mass' scale: 2 } }", {.5, -.5}));
}

}  // namespace
}  // namespace estuary::worlds
