#include "actors/exploration.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "actors/seed.h"

namespace estuary::actor {
namespace {

// Variance and lag-1 correlation of one world's noise over many steps.
struct Moments {
  double mean = 0;
  double variance = 0;
  double correlation = 0;
};

Moments Measure(double correlation, int steps) {
  Exploration exploration(1, 1, correlation, 5);
  std::vector<double> draws;
  for (int i = 0; i < steps; ++i) {
    exploration.Advance(0);
    draws.push_back(exploration.noise()[0]);
  }
  Moments m;
  for (const double x : draws) m.mean += x / steps;
  for (const double x : draws) m.variance += (x - m.mean) * (x - m.mean) / steps;
  for (int i = 1; i < steps; ++i) {
    m.correlation += (draws[i] - m.mean) * (draws[i - 1] - m.mean) / steps / m.variance;
  }
  return m;
}

TEST(Exploration, HasUnitVarianceAndTheCorrelationAskedFor) {
  for (const double correlation : {0.0, 0.5, 0.8, 0.95}) {
    // Standard errors grow as the effective sample shrinks by (1 - rho) / (1 + rho).
    constexpr int kSteps = 400'000;
    const double effective = kSteps * (1 - correlation) / (1 + correlation);
    const Moments m = Measure(correlation, kSteps);
    EXPECT_NEAR(m.mean, 0, 5 / std::sqrt(effective)) << correlation;
    EXPECT_NEAR(m.variance, 1, 8 / std::sqrt(effective)) << correlation;
    EXPECT_NEAR(m.correlation, correlation, 5 / std::sqrt(kSteps)) << correlation;
  }
}

TEST(Exploration, HasUnitVarianceFromAnEpisodesFirstStepOn) {
  Exploration exploration(1, 2, 0.9, 6);
  constexpr int kEpisodes = 20'000;
  double first = 0;
  double second = 0;
  double across = 0;
  float before = 0;
  for (int e = 0; e < kEpisodes; ++e) {
    exploration.StartEpisode(0);
    exploration.Advance(0);
    const float x = exploration.noise()[0];
    first += x * x / kEpisodes;
    across += before * x / kEpisodes;
    exploration.Advance(0);
    before = exploration.noise()[0];
    second += before * before / kEpisodes;
  }
  EXPECT_NEAR(first, 1, 0.06);
  EXPECT_NEAR(second, 1, 0.06);
  // A new episode knows nothing of the last one's noise.
  EXPECT_NEAR(across, 0, 0.04);
}

TEST(Exploration, GivesEachWorldNoiseOfItsOwn) {
  Exploration exploration(8, 3, 0.5, 7);
  for (int w = 0; w < 8; ++w) exploration.Advance(w);
  for (size_t i = 0; i < 24; ++i) {
    for (size_t j = i + 1; j < 24; ++j) {
      EXPECT_NE(exploration.noise()[i], exploration.noise()[j]);
    }
  }
}

TEST(Exploration, OfAWorldDoesNotDependOnTheOthers) {
  Exploration alone(1, 2, 0.5, 8);
  Exploration many(5, 2, 0.5, 8);
  for (int step = 0; step < 10; ++step) {
    alone.Advance(0);
    for (int w = 0; w < 5; ++w) many.Advance(w);
    EXPECT_EQ(alone.noise()[0], many.noise()[0]);
    EXPECT_EQ(alone.noise()[1], many.noise()[1]);
  }
}

TEST(Exploration, DrawsRandomActionsOverTheWholeRange) {
  Exploration exploration(1, 4, 0, 9);
  std::vector<float> action(4);
  double sum = 0;
  float lowest = 1;
  float highest = -1;
  constexpr int kDraws = 10'000;
  for (int i = 0; i < kDraws; ++i) {
    exploration.RandomAction(0, absl::MakeSpan(action));
    for (const float a : action) {
      ASSERT_GE(a, -1);
      ASSERT_LE(a, 1);
      sum += a;
      lowest = std::min(lowest, a);
      highest = std::max(highest, a);
    }
  }
  EXPECT_NEAR(sum / (4 * kDraws), 0, 0.02);
  EXPECT_LT(lowest, -0.99);
  EXPECT_GT(highest, 0.99);
}

TEST(Seed, DiffersWithEveryPart) {
  EXPECT_EQ(MixSeed({1, 2, 3}), MixSeed({1, 2, 3}));
  EXPECT_NE(MixSeed({1, 2, 3}), MixSeed({1, 2, 4}));
  EXPECT_NE(MixSeed({1, 2, 3}), MixSeed({1, 3, 2}));
  EXPECT_NE(MixSeed({0, 0}), MixSeed({0}));
}

}  // namespace
}  // namespace estuary::actor
