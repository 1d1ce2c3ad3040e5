#include "learner/core/gap_measure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "learner/core/engine.h"
#include "tests/learner/core/random_replay.h"

namespace estuary::learner {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr int kObservation = 3;
constexpr int kAction = 1;
constexpr int kRows = 400;

LearnerConfig Config(const std::string& algorithm) {
  LearnerConfig config;
  config.observation_dim = kObservation;
  config.action_dim = kAction;
  config.algorithm = *AlgorithmByName(algorithm);
  config.networks.hidden = {16, 16};
  config.networks.discriminator_hidden = {32, 32};
  config.optimizer.learning_rate = 3e-3;
  config.optimizer.batch_size = 64;
  return config;
}

// Where the first observation is positive, s' lies two further on.
OwnedTransitions Wrong(uint32_t seed) {
  OwnedTransitions t = RandomTransitions(kRows, kObservation, kAction, seed);
  for (int i = 0; i < kRows; ++i) {
    if (t.observation[i * kObservation] <= 0) continue;
    for (int j = 0; j < kObservation; ++j) t.next_observation[i * kObservation + j] += 2;
  }
  return t;
}

// The state of an engine after so many steps between right and wrong transitions.
std::string Train(const LearnerConfig& config, EngineKind kind, int steps) {
  const auto real = RandomReplay("real", kRows, kObservation, kAction, 1);
  const auto sim =
      MakeReplay({.name = "sim", .observation_dim = kObservation, .action_dim = kAction});
  EXPECT_TRUE(sim->Append(Wrong(2).columns()).ok());
  EngineOptions options;
  options.config = config;
  options.real = real.get();
  options.sim = sim.get();
  const auto engine = MakeEngine(kind, options);
  EXPECT_TRUE(engine.ok()) << engine.status();
  EXPECT_TRUE((*engine)->Step(steps).ok());
  return *(*engine)->Save();
}

struct Halves {
  double where_wrong = 0;
  double where_right = 0;
};

Halves Means(const OwnedTransitions& t, const std::vector<float>& values) {
  Halves sum, count;
  for (int i = 0; i < kRows; ++i) {
    const bool wrong = t.observation[i * kObservation] > 0;
    (wrong ? sum.where_wrong : sum.where_right) += values[i];
    (wrong ? count.where_wrong : count.where_right) += 1;
  }
  return {sum.where_wrong / count.where_wrong, sum.where_right / count.where_right};
}

TEST(MeasureGap, IsLargeWhereTheSimulatorIsWrong) {
  const LearnerConfig config = Config("h2o");
  const std::string state = Train(config, EngineKind::kNative, 1000);
  const OwnedTransitions fresh = Wrong(3);
  const auto readings = MeasureGap(config, state, fresh.columns(), 1);
  ASSERT_TRUE(readings.ok()) << readings.status();
  EXPECT_EQ(readings->gradient_steps, 1000u);
  ASSERT_THAT(readings->u, SizeIs(kRows));
  ASSERT_THAT(readings->q, SizeIs(kRows));
  const Halves u = Means(fresh, readings->u);
  EXPECT_GT(u.where_wrong, 2 * u.where_right);
  const Halves log_ratio = Means(fresh, readings->log_ratio);
  EXPECT_LT(log_ratio.where_wrong, log_ratio.where_right - 1);
}

TEST(MeasureGap, ReadsTheStatesOfAllEnginesAlike) {
  const LearnerConfig config = Config("h2o");
  const OwnedTransitions fresh = Wrong(3);
  const std::string eager = Train(config, EngineKind::kEager, 20);
  EngineOptions options;
  options.config = config;
  const auto real = RandomReplay("real", kRows, kObservation, kAction, 1);
  options.real = real.get();
  const auto native = MakeNativeEngine(options);
  ASSERT_TRUE(native.ok()) << native.status();
  ASSERT_TRUE((*native)->Load(eager).ok());
  const auto ours = MeasureGap(config, eager, fresh.columns(), 1);
  const auto theirs = MeasureGap(config, *(*native)->Save(), fresh.columns(), 1);
  ASSERT_TRUE(ours.ok()) << ours.status();
  ASSERT_TRUE(theirs.ok()) << theirs.status();
  EXPECT_EQ(ours->u, theirs->u);
  EXPECT_EQ(ours->log_ratio, theirs->log_ratio);
  EXPECT_EQ(ours->q, theirs->q);
}

TEST(MeasureGap, OfDarcIsItsRewardCorrectionAlone) {
  const LearnerConfig config = Config("darc");
  const OwnedTransitions fresh = Wrong(3);
  const auto readings =
      MeasureGap(config, Train(config, EngineKind::kNative, 20), fresh.columns(), 1);
  ASSERT_TRUE(readings.ok()) << readings.status();
  EXPECT_THAT(readings->log_ratio, SizeIs(kRows));
  EXPECT_THAT(readings->u, SizeIs(0));
}

TEST(MeasureGap, RefusesWhatCannotWork) {
  const LearnerConfig h2o = Config("h2o");
  const OwnedTransitions fresh = Wrong(3);
  const LearnerConfig sac = Config("sac");
  EXPECT_THAT(std::string(MeasureGap(sac, "", fresh.columns(), 1).status().message()),
              HasSubstr("'sac' does not tell the two dynamics apart"));
  EXPECT_FALSE(MeasureGap(h2o, "no state", fresh.columns(), 1).ok());
  const std::string darc = Train(Config("darc"), EngineKind::kNative, 1);
  EXPECT_THAT(std::string(MeasureGap(h2o, darc, fresh.columns(), 1).status().message()),
              HasSubstr("is of algorithm 'darc'"));
}

}  // namespace
}  // namespace estuary::learner
