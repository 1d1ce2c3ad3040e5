// The native engine held against the eager one in float64, through explicit batches: losses, u,
// omega, ratio, every gradient and every parameter after the step.
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>

#include "learner/core/engine.h"
#include "tests/learner/core/native/random_inputs.h"
#include "tests/learner/core/random_replay.h"

namespace estuary::learner {
namespace {

constexpr double kRelative = 1e-5;
constexpr double kAbsolute = 1e-6;
// Adam's first step is the learning rate times g / (|g| + 1e-8): where a gradient is smaller than
// this, its rounding decides the step, in any float32.
constexpr double kTinyGradient = 2e-5;

struct Case {
  std::string algorithm;
  int observation_dim, action_dim;
  std::vector<int> hidden, discriminator_hidden;
  int rows;
  bool scaled = false;
  // Inputs depend on a dataset's statistics: observations normalised, differences for the
  // discriminators.
  bool normalized = false;
  bool differences = false;
};

void ExpectNear(const TensorTree& got, const TensorTree& want, const TensorTree* gradients) {
  ASSERT_EQ(got.size(), want.size());
  for (const auto& [path, expected] : want) {
    ASSERT_TRUE(got.contains(path)) << path;
    const HostTensor& actual = got.at(path);
    ASSERT_EQ(actual.shape, expected.shape) << path;
    const HostTensor* gradient = nullptr;
    if (gradients != nullptr && gradients->contains("gradient/" + path)) {
      gradient = &gradients->at("gradient/" + path);
    }
    // Rounding of a sum is relative to its terms, of which the tensor's greatest element tells.
    double greatest = 0;
    for (const double value : expected.values) greatest = std::max(greatest, std::abs(value));
    int reported = 0;
    for (size_t i = 0; i < expected.values.size() && reported < 3; ++i) {
      if (gradient != nullptr && std::abs(gradient->values[i]) < kTinyGradient) continue;
      const double tolerance = kAbsolute + kRelative * std::abs(expected.values[i]);
      if (std::abs(actual.values[i] - expected.values[i]) <= tolerance) continue;
      ++reported;
      ADD_FAILURE() << path << " element " << i << " is " << actual.values[i] << ", not "
                    << expected.values[i] << "; the greatest is " << greatest;
    }
  }
}

class Agreement : public testing::TestWithParam<Case> {};

TEST_P(Agreement, WithTheEagerEngineInFloat64) {
  const Case& c = GetParam();
  LearnerConfig config;
  config.observation_dim = c.observation_dim;
  config.action_dim = c.action_dim;
  config.algorithm = *AlgorithmByName(c.algorithm);
  config.networks.hidden = c.hidden;
  config.networks.discriminator_hidden = c.discriminator_hidden;
  if (c.scaled) {
    config.networks.observation_scale.assign(static_cast<size_t>(c.observation_dim), 0.5f);
    config.optimizer.reward_scale = 0.25;
  }
  if (c.normalized) config.networks.normalize_observations = true;
  if (c.differences) config.algorithm.discriminator_input = DiscriminatorInput::kScaledDifference;
  const auto dataset = RandomReplay("real", 100, c.observation_dim, c.action_dim, 3, 2);
  EngineOptions options;
  options.config = config;
  if (c.normalized || c.differences) options.real = dataset.get();
  options.precision = Precision::kFloat64;
  const auto eager = MakeEagerEngine(options);
  options.precision = Precision::kFloat32;
  for (const int threads : {1, 2}) {
    options.threads = threads;
    const auto native = MakeNativeEngine(options);
    ASSERT_TRUE(eager.ok()) << eager.status();
    ASSERT_TRUE(native.ok()) << native.status();
    RandomInputs random(config, 7);
    const auto initial = (*native)->Parameters();
    ASSERT_TRUE(initial.ok());
    const TensorTree parameters = random.Parameters(*initial);
    const TensorTree batch = random.Batch(c.rows);
    // Fresh moments for every comparison.
    const auto fresh = MakeEagerEngine([&] {
      EngineOptions o = options;
      o.precision = Precision::kFloat64;
      o.threads = 1;
      return o;
    }());
    ASSERT_TRUE((*fresh)->SetParameters(parameters).ok());
    ASSERT_TRUE((*native)->SetParameters(parameters).ok());
    const auto want = (*fresh)->StepWith(batch);
    const auto got = (*native)->StepWith(batch);
    ASSERT_TRUE(want.ok()) << want.status();
    ASSERT_TRUE(got.ok()) << got.status();
    ExpectNear(*got, *want, nullptr);
    ExpectNear(*(*native)->Parameters(), *(*fresh)->Parameters(), &*want);
    const auto want_metrics = (*fresh)->Metrics(), got_metrics = (*native)->Metrics();
    ASSERT_TRUE(want_metrics.ok() && got_metrics.ok());
    for (const auto& [name, value] : *want_metrics) {
      ASSERT_TRUE(got_metrics->contains(name)) << name;
      EXPECT_NEAR(got_metrics->at(name), value, kAbsolute + kRelative * std::abs(value)) << name;
    }
    EXPECT_EQ(got_metrics->size(), want_metrics->size());
  }
}

std::vector<Case> Cases() {
  std::vector<Case> cases;
  for (const std::string& algorithm : AlgorithmNames()) {
    cases.push_back({algorithm, 4, 1, {32, 32}, {32, 32}, 16});
    // Sizes that no vector divides, another number of layers, rows beyond a block.
    cases.push_back({algorithm, 5, 3, {20}, {24, 17, 9}, 70, true});
    cases.push_back({algorithm, 17, 6, {64, 48, 40}, {64}, 33});
  }
  for (const char* algorithm : {"h2o", "h2o_reverse_kl"}) {
    cases.push_back({algorithm, 6, 2, {32, 32}, {32, 32}, 24, false, true, false});
    cases.push_back({algorithm, 7, 2, {32, 32}, {32, 32}, 24, false, true, true});
  }
  cases.push_back({"h2o", 17, 6, {256, 256}, {256, 256}, 128});
  cases.push_back({"sac", 17, 6, {256, 256}, {256, 256}, 256});
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Native, Agreement, testing::ValuesIn(Cases()), [](const auto& info) {
  std::string name = info.param.algorithm + "_" + std::to_string(info.param.observation_dim);
  for (const int units : info.param.hidden) name += "_" + std::to_string(units);
  return name;
});

}  // namespace
}  // namespace estuary::learner
