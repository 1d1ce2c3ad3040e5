// Learning as a whole: an engine, its replay and the policy it exports, on a task small enough to
// be learnt within seconds.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <vector>

#include "learner/core/engine.h"
#include "tests/learner/core/random_replay.h"

namespace estuary::learner {
namespace {

// A mass on a line, pushed to rest at 0: x'' = 4 a, 20 Hz. The episode ends where |x| > 3.
struct DoubleIntegrator {
  static constexpr int kSteps = 100;
  float x = 0, v = 0;

  std::vector<float> observation() const { return {x, v}; }
  float Step(float action) {
    v += 0.2f * action;
    x += 0.05f * v;
    return 1 - x * x - 0.1f * v * v - 0.01f * action * action;
  }
  bool terminated() const { return std::abs(x) > 3; }
};

// The mean action or a sample, from nothing but the exported numbers.
float Act(const PolicyWeights& policy, const std::vector<float>& observation, float noise) {
  std::vector<float> h(observation.size());
  for (size_t i = 0; i < h.size(); ++i) {
    h[i] = (observation[i] - policy.observation_mean[i]) * policy.observation_scale[i];
  }
  for (size_t layer = 0; layer < policy.layers.size(); ++layer) {
    const DenseWeights& w = policy.layers[layer];
    std::vector<float> out = w.bias;
    for (size_t o = 0; o < out.size(); ++o) {
      for (size_t i = 0; i < h.size(); ++i) out[o] += w.weight[o * h.size() + i] * h[i];
      if (layer + 1 < policy.layers.size()) out[o] = std::max(0.0f, out[o]);
    }
    h = out;
  }
  const float log_std = std::clamp(policy.log_std_multiplier * h[1] + policy.log_std_offset,
                                   policy.log_std_min, policy.log_std_max);
  return std::tanh(h[0] + std::exp(log_std) * noise);
}

// The mean return of the deterministic policy over fixed starts; at most 100.
double Evaluate(const PolicyWeights& policy) {
  const std::array<std::array<float, 2>, 5> starts = {
      {{1, 0}, {-1, 0}, {0.5f, 1}, {-1.5f, 0.5f}, {0, -1}}};
  double total = 0;
  for (const auto& start : starts) {
    DoubleIntegrator world{start[0], start[1]};
    for (int i = 0; i < DoubleIntegrator::kSteps && !world.terminated(); ++i) {
      total += world.Step(Act(policy, world.observation(), 0));
    }
  }
  return total / static_cast<double>(starts.size());
}

TEST(Learning, SacBringsAMassToRest) {
  LearnerConfig config;
  config.observation_dim = 2;
  config.action_dim = 1;
  config.algorithm = *AlgorithmByName("sac");
  config.networks.hidden = {32, 32};
  config.optimizer.batch_size = 64;
  config.optimizer.learning_rate = 2e-3;
  config.optimizer.tau = 0.02;
  config.optimizer.discount = 0.95;
  config.optimizer.initial_temperature = 0.2;
  ReplayOptions replay_options;
  replay_options.name = "sim";
  replay_options.observation_dim = 2;
  replay_options.action_dim = 1;
  auto replay = MakeReplay(replay_options);
  EngineOptions options;
  options.config = config;
  options.sim = replay.get();
  auto engine = MakeEagerEngine(options);
  ASSERT_TRUE(engine.ok()) << engine.status();
  auto policy = (*engine)->ExportPolicy(PolicyKind::kCurrent);
  ASSERT_TRUE(policy.ok());
  const double untrained = Evaluate(*policy);

  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::uniform_real_distribution<float> uniform(-1.5f, 1.5f);
  for (int episode = 0; episode < 40; ++episode) {
    DoubleIntegrator world{uniform(random), uniform(random)};
    for (int i = 0; i < DoubleIntegrator::kSteps && !world.terminated(); ++i) {
      const std::vector<float> before = world.observation();
      const std::vector<float> action = {Act(*policy, before, normal(random))};
      const std::vector<float> reward = {world.Step(action[0])};
      const std::vector<float> terminal = {world.terminated() ? 1.0f : 0.0f};
      const std::vector<float> after = world.observation();
      ASSERT_TRUE(replay->Append({before, action, after, reward, terminal}).ok());
    }
    const absl::Status status = (*engine)->Step(75);
    ASSERT_TRUE(status.ok()) << status;
    policy = (*engine)->ExportPolicy(PolicyKind::kCurrent);
    ASSERT_TRUE(policy.ok());
  }
  const double trained = Evaluate(*policy);
  RecordProperty("untrained_return", std::to_string(untrained));
  RecordProperty("trained_return", std::to_string(trained));
  EXPECT_LT(untrained, 60);
  // The best linear controller reaches 91.
  EXPECT_GT(trained, 80);
}

}  // namespace
}  // namespace estuary::learner
