// Replays of random transitions and small configurations, for tests of engines.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "learner/core/config.h"
#include "learner/core/dynamics_model.h"
#include "learner/core/engine.h"
#include "learner/core/replay/device_replay.h"

namespace estuary::learner {

// Columns that own their numbers.
struct OwnedTransitions {
  std::vector<float> observation, action, next_observation, reward, terminal;

  TransitionColumns columns() const {
    return {observation, action, next_observation, reward, terminal};
  }
};

inline OwnedTransitions RandomTransitions(int rows, int observation_dim, int action_dim,
                                          uint32_t seed, float scale = 1) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0, scale);
  std::uniform_real_distribution<float> uniform(-1, 1);
  OwnedTransitions t;
  for (int i = 0; i < rows * observation_dim; ++i) {
    t.observation.push_back(normal(generator));
    t.next_observation.push_back(t.observation.back() + 0.1f * normal(generator));
  }
  for (int i = 0; i < rows * action_dim; ++i) t.action.push_back(uniform(generator));
  for (int i = 0; i < rows; ++i) {
    t.reward.push_back(normal(generator));
    t.terminal.push_back(i % 7 == 0 ? 1.0f : 0.0f);
  }
  return t;
}

inline std::unique_ptr<DeviceReplay> MakeReplay(const ReplayOptions& options) {
  auto replay = DeviceReplay::Create(options);
  EXPECT_TRUE(replay.ok()) << replay.status();
  return *std::move(replay);
}

inline std::unique_ptr<DeviceReplay> RandomReplay(const std::string& name, int rows,
                                                  int observation_dim, int action_dim,
                                                  uint32_t seed, float scale = 1) {
  ReplayOptions options;
  options.name = name;
  options.observation_dim = observation_dim;
  options.action_dim = action_dim;
  auto replay = MakeReplay(options);
  const auto rows_made = RandomTransitions(rows, observation_dim, action_dim, seed, scale);
  const absl::Status status = replay->Append(rows_made.columns());
  EXPECT_TRUE(status.ok()) << status;
  return replay;
}

// Where the engine's algorithm reads a model of the dynamics: gives it one that has learned a
// little from `real`.
inline void LearnDynamics(Engine& engine, const DeviceReplay& real, uint64_t seed) {
  if (!engine.config().algorithm.NeedsDynamicsModel()) return;
  const auto model = LearnDynamicsModel(engine.config(), real, seed, nullptr);
  ASSERT_TRUE(model.ok()) << model.status();
  const absl::Status set = SetDynamicsModel(engine, *model);
  ASSERT_TRUE(set.ok()) << set;
}

// Small nets for observations of 3 and actions of 2.
inline LearnerConfig SmallConfig(const std::string& algorithm) {
  LearnerConfig config;
  config.observation_dim = 3;
  config.action_dim = 2;
  config.algorithm = *AlgorithmByName(algorithm);
  config.algorithm.gap_samples = 3;
  config.algorithm.cql_actions = 2;
  config.networks.hidden = {16, 16};
  config.networks.discriminator_hidden = {16, 16};
  config.networks.dynamics_hidden = {16, 16};
  config.algorithm.dynamics_model.steps = 30;
  config.optimizer.batch_size = 16;
  return config;
}

// An eager engine over 200 random real and 300 random simulated transitions.
struct SmallLearner {
  explicit SmallLearner(const LearnerConfig& config, uint64_t seed = 1)
      : real(RandomReplay("real", 200, config.observation_dim, config.action_dim, 1)),
        sim(RandomReplay("sim", 300, config.observation_dim, config.action_dim, 2, 1.3f)) {
    EngineOptions options;
    options.config = config;
    options.seed = seed;
    options.real = real.get();
    options.sim = sim.get();
    auto made = MakeEagerEngine(options);
    EXPECT_TRUE(made.ok()) << made.status();
    engine = *std::move(made);
    LearnDynamics(*engine, *real, seed);
  }

  std::unique_ptr<DeviceReplay> real, sim;
  std::unique_ptr<Engine> engine;
};

}  // namespace estuary::learner
