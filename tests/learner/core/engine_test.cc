#include "learner/core/engine.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "tests/learner/core/random_replay.h"

namespace estuary::learner {
namespace {

TensorTree ParametersOf(Engine& engine) {
  auto parameters = engine.Parameters();
  EXPECT_TRUE(parameters.ok()) << parameters.status();
  return *std::move(parameters);
}

std::string StateOf(Engine& engine) {
  auto state = engine.Save();
  EXPECT_TRUE(state.ok()) << state.status();
  return *std::move(state);
}

class EveryAlgorithm : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Engine, EveryAlgorithm, testing::ValuesIn(AlgorithmNames()),
                         [](const auto& info) { return info.param; });

TEST_P(EveryAlgorithm, GivesTheSameBitsForTheSameSeed) {
  SmallLearner a(SmallConfig(GetParam()), 5), b(SmallConfig(GetParam()), 5);
  SmallLearner other(SmallConfig(GetParam()), 6);
  for (SmallLearner* learner : {&a, &b, &other}) {
    const absl::Status status = learner->engine->Step(20);
    ASSERT_TRUE(status.ok()) << status;
  }
  EXPECT_EQ(StateOf(*a.engine), StateOf(*b.engine));
  EXPECT_NE(ParametersOf(*a.engine), ParametersOf(*other.engine));
}

TEST_P(EveryAlgorithm, GoesOnFromASavedStateBitForBit) {
  LearnerConfig config = SmallConfig(GetParam());
  config.optimizer.policy_average = 0.01;
  config.optimizer.gradient_steps = 30;
  config.optimizer.learning_rate_constant_part = 0.2;
  config.optimizer.learning_rate_final_fraction = 0.1;
  SmallLearner whole(config, 5), resumed(config, 99);
  ASSERT_TRUE(whole.engine->Step(10).ok());
  const absl::Status loaded = resumed.engine->Load(StateOf(*whole.engine));
  ASSERT_TRUE(loaded.ok()) << loaded;
  EXPECT_EQ(resumed.engine->steps_done(), 10u);
  ASSERT_TRUE(whole.engine->Step(15).ok());
  ASSERT_TRUE(resumed.engine->Step(15).ok());
  EXPECT_EQ(StateOf(*whole.engine), StateOf(*resumed.engine));
}

TEST_P(EveryAlgorithm, ReportsItsLossesAsNumbers) {
  SmallLearner learner(SmallConfig(GetParam()));
  const auto before = learner.engine->Metrics();
  ASSERT_TRUE(before.ok());
  EXPECT_TRUE(before->empty());
  ASSERT_TRUE(learner.engine->Step(3).ok());
  const auto metrics = learner.engine->Metrics();
  ASSERT_TRUE(metrics.ok()) << metrics.status();
  for (const auto& [name, value] : *metrics) EXPECT_TRUE(std::isfinite(value)) << name;
  for (const char* name : {"loss/q1_td", "loss/policy", "alpha", "gradient_norm/critics"}) {
    EXPECT_TRUE(metrics->contains(name)) << name;
  }
}

TEST(Engine, MovesTheTargetsByTauTowardsTheNewCritics) {
  LearnerConfig config = SmallConfig("h2o");
  config.optimizer.tau = 0.25;
  SmallLearner learner(config);
  const TensorTree before = ParametersOf(*learner.engine);
  ASSERT_TRUE(learner.engine->Step(1).ok());
  const TensorTree after = ParametersOf(*learner.engine);
  for (const char* path : {"/0/weight", "/1/bias", "/2/weight"}) {
    const auto& old = before.at(std::string("q2_target") + path).values;
    const auto& critic = after.at(std::string("q2") + path).values;
    const auto& target = after.at(std::string("q2_target") + path).values;
    for (size_t i = 0; i < old.size(); ++i) {
      EXPECT_NEAR(target[i], 0.75 * old[i] + 0.25 * critic[i], 1e-7) << path;
    }
  }
}

TEST(Engine, FirstStepMovesTheTemperatureByTheLearningRate) {
  // Adam's first step is the learning rate against the gradient's sign.
  SmallLearner learner(SmallConfig("sac"));
  ASSERT_TRUE(learner.engine->Step(1).ok());
  const double moved = ParametersOf(*learner.engine).at("log_alpha").values[0];
  EXPECT_NEAR(std::abs(moved), 3e-4, 1e-9);
}

TEST(Engine, AveragesThePublishedPolicyAlone) {
  LearnerConfig config = SmallConfig("h2o");
  config.optimizer.policy_average = 0.25;
  SmallLearner learner(config);
  const auto before = learner.engine->ExportPolicy(PolicyKind::kCurrent);
  ASSERT_TRUE(learner.engine->Step(1).ok());
  const auto current = learner.engine->ExportPolicy(PolicyKind::kCurrent);
  const auto averaged = learner.engine->ExportPolicy(PolicyKind::kAveraged);
  ASSERT_TRUE(before.ok() && current.ok() && averaged.ok());
  for (size_t layer = 0; layer < 3; ++layer) {
    for (size_t i = 0; i < before->layers[layer].weight.size(); ++i) {
      EXPECT_NEAR(averaged->layers[layer].weight[i],
                  0.75 * before->layers[layer].weight[i] + 0.25 * current->layers[layer].weight[i],
                  1e-7);
    }
  }
}

TEST(Engine, ExportsThePolicyWithItsInputScaling) {
  LearnerConfig config = SmallConfig("h2o");
  config.networks.normalize_observations = true;
  SmallLearner learner(config);
  const auto moments = learner.real->Moments();
  const auto policy = learner.engine->ExportPolicy(PolicyKind::kAveraged);
  ASSERT_TRUE(moments.ok() && policy.ok());
  ASSERT_EQ(policy->layers.size(), 3u);
  EXPECT_EQ(policy->layers[0].inputs, 3);
  EXPECT_EQ(policy->layers[2].outputs, 4);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_FLOAT_EQ(policy->observation_mean[i], static_cast<float>(moments->observation_mean[i]));
    EXPECT_FLOAT_EQ(policy->observation_scale[i],
                    static_cast<float>(1 / (moments->observation_std[i] + 1e-3)));
  }
}

// The network's input is all that scaling changes: scaled observations under unit scale take the
// step of raw ones under the scale.
TEST(Engine, ScalesObservationsAndRewardsBeforeEveryNet) {
  for (const char* algorithm : {"sac", "cql", "h2o_reg"}) {
    LearnerConfig scaled = SmallConfig(algorithm);
    scaled.networks.observation_scale = {0.5, 2, 4};
    scaled.optimizer.reward_scale = 0.25;
    SmallLearner raw(scaled, 3);
    SmallLearner plain(SmallConfig(algorithm), 3);
    for (auto* replay : {plain.real.get(), plain.sim.get()}) {
      const bool real = replay == plain.real.get();
      OwnedTransitions t = RandomTransitions(real ? 200 : 300, 3, 2, real ? 1 : 2, real ? 1 : 1.3f);
      for (size_t i = 0; i < t.observation.size(); ++i) {
        const float scale = scaled.networks.observation_scale[i % 3];
        t.observation[i] *= scale;
        t.next_observation[i] *= scale;
      }
      for (float& reward : t.reward) reward *= 0.25f;
      replay->Clear();
      ASSERT_TRUE(replay->Append(t.columns()).ok());
    }
    ASSERT_TRUE(raw.engine->Step(3).ok());
    ASSERT_TRUE(plain.engine->Step(3).ok());
    EXPECT_EQ(ParametersOf(*raw.engine), ParametersOf(*plain.engine)) << algorithm;
  }
}

TEST(Engine, TrainsDiscriminatorsOnScaledDifferences) {
  LearnerConfig config = SmallConfig("h2o");
  config.algorithm.discriminator_input = DiscriminatorInput::kScaledDifference;
  config.algorithm.next_state_noise = NextStateNoise::kAuthorsCode;
  SmallLearner learner(config);
  const absl::Status status = learner.engine->Step(5);
  EXPECT_TRUE(status.ok()) << status;
  SmallLearner raw(SmallConfig("h2o"));
  ASSERT_TRUE(raw.engine->Step(5).ok());
  EXPECT_NE(ParametersOf(*learner.engine).at("d_sas/0/weight"),
            ParametersOf(*raw.engine).at("d_sas/0/weight"));
}

TEST(Engine, StopsBeforeItTrainsThroughANonFiniteLoss) {
  SmallLearner learner(SmallConfig("h2o"));
  ASSERT_TRUE(learner.engine->Step(4).ok());
  const std::string good = StateOf(*learner.engine);
  TensorTree parameters = ParametersOf(*learner.engine);
  parameters.at("q1/0/weight").values[0] = std::numeric_limits<double>::quiet_NaN();
  ASSERT_TRUE(learner.engine->SetParameters(parameters).ok());
  const TensorTree before = ParametersOf(*learner.engine);
  const absl::Status status = learner.engine->Step(10);
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_NE(status.message().find("step 5"), absl::string_view::npos) << status;
  EXPECT_NE(status.message().find("td"), absl::string_view::npos) << status;
  EXPECT_EQ(learner.engine->steps_done(), 4u);
  EXPECT_EQ(ParametersOf(*learner.engine).at("policy/0/weight"), before.at("policy/0/weight"));
  EXPECT_EQ(learner.engine->Step(1), status);
  ASSERT_TRUE(learner.engine->Load(good).ok());
  EXPECT_TRUE(learner.engine->Step(1).ok());
}

TEST(Engine, StopsAtAnExplodingLoss) {
  SmallLearner learner(SmallConfig("sac"));
  TensorTree parameters = ParametersOf(*learner.engine);
  parameters.at("q2/2/bias").values[0] = 1e7;
  ASSERT_TRUE(learner.engine->SetParameters(parameters).ok());
  EXPECT_EQ(learner.engine->Step(1).code(), absl::StatusCode::kInternal);
}

TEST(Engine, NamesTheTableThatIsEmpty) {
  LearnerConfig config = SmallConfig("h2o");
  auto real = RandomReplay("real", 10, 3, 2, 1);
  auto sim = RandomReplay("sim", 0, 3, 2, 1);
  EngineOptions options;
  options.config = config;
  options.real = real.get();
  options.sim = sim.get();
  auto engine = MakeEagerEngine(options);
  ASSERT_TRUE(engine.ok()) << engine.status();
  const absl::Status status = (*engine)->Step(1);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(status.message().find("'sim'"), absl::string_view::npos) << status;
  ASSERT_TRUE(sim->Append(RandomTransitions(5, 3, 2, 2).columns()).ok());
  EXPECT_TRUE((*engine)->Step(1).ok());
}

TEST(Engine, NeedsTheDatasetWhoseStatisticsItUses) {
  EngineOptions options;
  options.config = SmallConfig("h2o");
  auto empty = RandomReplay("real", 0, 3, 2, 1);
  options.real = empty.get();
  EXPECT_EQ(MakeEagerEngine(options).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(Engine, RefusesAReplayOfAnotherTask) {
  EngineOptions options;
  options.config = SmallConfig("sac");
  auto other = RandomReplay("sim", 10, 4, 2, 1);
  options.sim = other.get();
  const auto engine = MakeEagerEngine(options);
  EXPECT_EQ(engine.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(engine.status().message().find("4"), absl::string_view::npos) << engine.status();
}

TEST(Engine, RefusesAStateOfAnotherAlgorithmOrShapeAndGoesOnAsItWas) {
  SmallLearner h2o(SmallConfig("h2o")), sac(SmallConfig("sac"));
  LearnerConfig wide = SmallConfig("h2o");
  wide.networks.hidden = {32, 16};
  SmallLearner wider(wide);
  ASSERT_TRUE(h2o.engine->Step(2).ok());
  const std::string before = StateOf(*h2o.engine);
  EXPECT_EQ(h2o.engine->Load(StateOf(*sac.engine)).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(h2o.engine->Load(StateOf(*wider.engine)).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(h2o.engine->Load(before.substr(0, before.size() / 2)).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(StateOf(*h2o.engine), before);
}

TEST(Engine, SaysWhyAGpuCannotBeUsed) {
  if (BestDevice() == Device::kCuda) GTEST_SKIP() << "there is a GPU";
  EngineOptions options;
  options.config = SmallConfig("h2o");
  options.device = Device::kCuda;
  const auto engine = MakeEagerEngine(options);
  EXPECT_EQ(engine.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(engine.status().message().find("CUDA"), absl::string_view::npos) << engine.status();
}

}  // namespace
}  // namespace estuary::learner
