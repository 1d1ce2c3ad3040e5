#include "learner/core/dynamics_model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/learner/core/random_replay.h"

namespace estuary::learner {
namespace {

// s' = s + 0.01 (s rotated + action) + noise, far from 0 and of small steps, as a robot's at 200
// Hz.
OwnedTransitions Rotation(int rows, float noise) {
  std::mt19937 generator(3);
  std::normal_distribution<float> normal;
  OwnedTransitions t = RandomTransitions(rows, 3, 2, 5);
  for (size_t i = 0; i < static_cast<size_t>(rows); ++i) {
    const float* s = &t.observation[3 * i];
    const float* a = &t.action[2 * i];
    const float change[] = {s[1] + a[0], -s[0] + a[1], 0.5f * s[2]};
    for (size_t j = 0; j < 3; ++j) {
      t.next_observation[3 * i + j] = s[j] + 0.01f * (change[j] + noise * normal(generator));
    }
  }
  return t;
}

std::unique_ptr<DeviceReplay> ReplayOf(const OwnedTransitions& t) {
  auto replay = MakeReplay({.name = "real", .observation_dim = 3, .action_dim = 2});
  const absl::Status status = replay->Append(t.columns());
  EXPECT_TRUE(status.ok()) << status;
  return replay;
}

LearnerConfig ModelConfig(uint64_t steps) {
  LearnerConfig config = SmallConfig("h2o_reverse_kl");
  config.networks.dynamics_hidden = {32, 32};
  config.algorithm.dynamics_model.steps = steps;
  config.algorithm.dynamics_model.batch_size = 64;
  return config;
}

TEST(DynamicsModel, LearnsTheChangeAndItsNoise) {
  const auto real = ReplayOf(Rotation(2000, 0.3f));
  const auto model = LearnDynamicsModel(ModelConfig(2000), *real, 1, nullptr);
  ASSERT_TRUE(model.ok()) << model.status();
  // The noise is 0.3 of changes whose standard deviation is 1.2, 1.2 and 0.6 with it.
  EXPECT_LT(model->error, 0.42);
  EXPECT_GT(model->error, 0.2);
  // What a Gaussian that knows that much has: (1 + log variance) / 2 a dimension.
  const double ideal = 0.5 * (3 + 2 * std::log(0.0625) + std::log(0.25));
  EXPECT_LT(model->loss, ideal + 0.5);
}

TEST(DynamicsModel, IsTheSameForTheSameSeed) {
  const auto real = ReplayOf(Rotation(200, 0.1f));
  const auto a = LearnDynamicsModel(ModelConfig(50), *real, 1, nullptr);
  const auto b = LearnDynamicsModel(ModelConfig(50), *real, 1, nullptr);
  const auto c = LearnDynamicsModel(ModelConfig(50), *real, 2, nullptr);
  ASSERT_TRUE(a.ok() && b.ok() && c.ok());
  EXPECT_EQ(a->parameters, b->parameters);
  EXPECT_NE(a->parameters, c->parameters);
}

TEST(DynamicsModel, StopsWhenAsked) {
  const auto real = ReplayOf(Rotation(200, 0.1f));
  const auto model =
      LearnDynamicsModel(ModelConfig(100000), *real, 1, [](uint64_t steps) { return steps < 200; });
  EXPECT_EQ(model.status().code(), absl::StatusCode::kCancelled);
}

TEST(DynamicsModel, RefusesTooLittleData) {
  const auto real = ReplayOf(Rotation(19, 0.1f));
  const auto model = LearnDynamicsModel(ModelConfig(10), *real, 1, nullptr);
  EXPECT_EQ(model.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(model.status().message().find("holds 19"), absl::string_view::npos) << model.status();
}

TEST(DynamicsModel, MustBeThereBeforeTheFirstStepAndDoesNotChange) {
  const auto real = ReplayOf(Rotation(200, 0.1f)), sim = ReplayOf(Rotation(200, 1));
  for (const EngineKind kind : {EngineKind::kEager, EngineKind::kNative}) {
    EngineOptions options;
    options.config = ModelConfig(20);
    options.real = real.get();
    options.sim = sim.get();
    const auto engine = MakeEngine(kind, options);
    ASSERT_TRUE(engine.ok()) << engine.status();
    EXPECT_EQ((*engine)->Step(1).code(), absl::StatusCode::kFailedPrecondition);
    LearnDynamics(**engine, *real, 1);
    const TensorTree before = *(*engine)->Parameters();
    ASSERT_TRUE((*engine)->Step(5).ok());
    const TensorTree after = *(*engine)->Parameters();
    EXPECT_EQ(after.at("dynamics/1/weight"), before.at("dynamics/1/weight"));
    EXPECT_NE(after.at("q1/1/weight"), before.at("q1/1/weight"));
    const auto loaded = MakeEngine(kind, options);
    ASSERT_TRUE((*loaded)->Load(*(*engine)->Save()).ok());
    EXPECT_EQ((*loaded)->Parameters()->at("dynamics/1/weight"), before.at("dynamics/1/weight"));
    EXPECT_TRUE((*loaded)->Step(1).ok());
  }
}

}  // namespace
}  // namespace estuary::learner
