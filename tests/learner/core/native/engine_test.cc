// How the native engine behaves as an engine: seeds, saved states, errors, learning.
#include "learner/core/engine.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "learner/core/engine_state.h"
#include "tests/learner/core/native/random_inputs.h"
#include "tests/learner/core/random_replay.h"

namespace estuary::learner {
namespace {

// A native engine over the transitions of SmallLearner.
struct NativeLearner {
  explicit NativeLearner(const LearnerConfig& config, uint64_t seed = 1, int threads = 1,
                         EngineKind kind = EngineKind::kNative)
      : real(RandomReplay("real", 200, config.observation_dim, config.action_dim, 1)),
        sim(RandomReplay("sim", 300, config.observation_dim, config.action_dim, 2, 1.3f)) {
    EngineOptions options;
    options.config = config;
    options.seed = seed;
    options.threads = threads;
    options.real = real.get();
    options.sim = sim.get();
    auto made = MakeEngine(kind, options);
    EXPECT_TRUE(made.ok()) << made.status();
    engine = *std::move(made);
    LearnDynamics(*engine, *real, seed);
  }

  TensorTree Parameters() const { return *engine->Parameters(); }
  std::string State() const { return *engine->Save(); }

  std::unique_ptr<DeviceReplay> real, sim;
  std::unique_ptr<Engine> engine;
};

class EveryAlgorithm : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Native, EveryAlgorithm, testing::ValuesIn(AlgorithmNames()),
                         [](const auto& info) { return info.param; });

TEST_P(EveryAlgorithm, GivesTheSameBitsForTheSameSeed) {
  NativeLearner a(SmallConfig(GetParam()), 5), b(SmallConfig(GetParam()), 5);
  NativeLearner other(SmallConfig(GetParam()), 6);
  for (NativeLearner* learner : {&a, &b, &other}) {
    const absl::Status status = learner->engine->Step(20);
    ASSERT_TRUE(status.ok()) << status;
  }
  EXPECT_EQ(a.State(), b.State());
  EXPECT_NE(a.Parameters(), other.Parameters());
}

TEST_P(EveryAlgorithm, GivesTheSameBitsOnTwoThreads) {
  NativeLearner one(WideConfig(GetParam()), 5, 1), two(WideConfig(GetParam()), 5, 2);
  ASSERT_TRUE(one.engine->Step(5).ok());
  ASSERT_TRUE(two.engine->Step(5).ok());
  EXPECT_EQ(one.State(), two.State());
}

TEST_P(EveryAlgorithm, GoesOnFromASavedStateBitForBit) {
  LearnerConfig config = SmallConfig(GetParam());
  config.optimizer.policy_average = 0.01;
  config.optimizer.gradient_steps = 30;
  config.optimizer.learning_rate_constant_part = 0.2;
  config.optimizer.learning_rate_final_fraction = 0.1;
  NativeLearner whole(config, 5), resumed(config, 99);
  ASSERT_TRUE(whole.engine->Step(10).ok());
  const absl::Status loaded = resumed.engine->Load(whole.State());
  ASSERT_TRUE(loaded.ok()) << loaded;
  EXPECT_EQ(resumed.engine->steps_done(), 10u);
  EXPECT_EQ(resumed.State(), whole.State());
  ASSERT_TRUE(whole.engine->Step(15).ok());
  ASSERT_TRUE(resumed.engine->Step(15).ok());
  EXPECT_EQ(whole.State(), resumed.State());
}

// Several steps of the same nets on the same batches, where errors would add up.
TEST_P(EveryAlgorithm, StaysWithTheEagerEngineOverSteps) {
  const LearnerConfig config = SmallConfig(GetParam());
  NativeLearner native(config), eager(config, 1, 1, EngineKind::kEager);
  RandomInputs random(config, 11);
  const TensorTree parameters = random.Parameters(native.Parameters());
  ASSERT_TRUE(native.engine->SetParameters(parameters).ok());
  ASSERT_TRUE(eager.engine->SetParameters(parameters).ok());
  for (int step = 0; step < 20; ++step) {
    const TensorTree batch = random.Batch(8);
    const auto got = native.engine->StepWith(batch), want = eager.engine->StepWith(batch);
    ASSERT_TRUE(got.ok()) << got.status();
    ASSERT_TRUE(want.ok()) << want.status();
    for (const char* loss : {"loss/policy", "loss/q1_td", "loss/q2_td"}) {
      const double expected = want->at(loss).values[0];
      EXPECT_NEAR(got->at(loss).values[0], expected, 1e-4 + 1e-4 * std::abs(expected)) << step;
    }
  }
}

// Both learn the values of random transitions, from samples of their own.
TEST_P(EveryAlgorithm, TrainsAsTheEagerEngineDoes) {
  LearnerConfig config = SmallConfig(GetParam());
  config.optimizer.learning_rate = 1e-3;
  config.optimizer.discount = 0.5;
  NativeLearner native(config, 3), eager(config, 4, 1, EngineKind::kEager);
  const auto mean_loss = [](Engine& engine) {
    double sum = 0;
    for (int i = 0; i < 40; ++i) {
      EXPECT_TRUE(engine.Step(5).ok());
      sum += engine.Metrics()->at("loss/q1_td");
    }
    return sum / 40;
  };
  const double before = mean_loss(*native.engine);
  mean_loss(*eager.engine);
  ASSERT_TRUE(native.engine->Step(1500).ok());
  ASSERT_TRUE(eager.engine->Step(1500).ok());
  const double after = mean_loss(*native.engine), reference = mean_loss(*eager.engine);
  EXPECT_LT(after, before);
  EXPECT_NEAR(after, reference, 0.35 * reference) << "before " << before;
}

TEST_P(EveryAlgorithm, ReportsTheEagerEnginesMetrics) {
  NativeLearner native(SmallConfig(GetParam())),
      eager(SmallConfig(GetParam()), 1, 1, EngineKind::kEager);
  EXPECT_TRUE(native.engine->Metrics()->empty());
  ASSERT_TRUE(native.engine->Step(3).ok());
  ASSERT_TRUE(eager.engine->Step(3).ok());
  const auto got = *native.engine->Metrics(), want = *eager.engine->Metrics();
  for (const auto& [name, value] : got) EXPECT_TRUE(std::isfinite(value)) << name;
  for (const auto& [name, value] : want) EXPECT_TRUE(got.contains(name)) << name;
  EXPECT_EQ(got.size(), want.size());
}

// Row by row what its metrics say in one number, and of the same figures as the eager engine.
TEST_P(EveryAlgorithm, ReportsRowsThatItsMetricsAreMeansOf) {
  NativeLearner native(SmallConfig(GetParam())),
      eager(SmallConfig(GetParam()), 1, 1, EngineKind::kEager);
  EXPECT_TRUE(native.engine->RowMetrics()->empty());
  for (NativeLearner* learner : {&native, &eager}) {
    ASSERT_TRUE(learner->engine->Step(3).ok());
    const auto metrics = *learner->engine->Metrics();
    const TensorTree rows = *learner->engine->RowMetrics();
    const auto mean = [&](const std::string& name) {
      double sum = 0;
      for (const double value : rows.at(name).values) sum += value;
      return sum / static_cast<double>(rows.at(name).values.size());
    };
    for (const auto& [row, metric] : {std::pair("u", "u/mean"), std::pair("q_real", "q/real_mean"),
                                      std::pair("q_sim", "q/sim_mean")}) {
      ASSERT_EQ(rows.count(row), metrics.count(metric)) << row;
      if (rows.count(row) == 0) continue;
      EXPECT_NEAR(mean(row), metrics.at(metric), 1e-5 * (1 + std::abs(metrics.at(metric)))) << row;
    }
    ASSERT_EQ(rows.count("omega"), rows.count("u"));
    if (rows.count("omega") == 0) continue;
    const auto count = static_cast<double>(rows.at("omega").values.size());
    EXPECT_NEAR(mean("omega") * count, 1, 1e-5) << "weights of a batch add up to 1";
    EXPECT_EQ(rows.at("u").values.size(), rows.at("omega").values.size());
  }
}

TEST(NativeEngine, IsChosenWhereItComputes) {
  EngineOptions options;
  options.config = SmallConfig("sac");
  EXPECT_EQ((*MakeEngine(EngineKind::kAuto, options))->name(), "native");
  EXPECT_EQ((*MakeEngine(EngineKind::kEager, options))->name(), "eager");
  options.precision = Precision::kFloat64;
  EXPECT_EQ((*MakeEngine(EngineKind::kAuto, options))->name(), "eager");
  const auto refused = MakeEngine(EngineKind::kNative, options);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(NativeEngine, StartsAsTheEagerEngineStarts) {
  const LearnerConfig config = SmallConfig("h2o");
  const TensorTree native = NativeLearner(config).Parameters();
  const TensorTree eager = NativeLearner(config, 1, 1, EngineKind::kEager).Parameters();
  ASSERT_EQ(native.size(), eager.size());
  for (const auto& [path, want] : eager) {
    const HostTensor& got = native.at(path);
    ASSERT_EQ(got.shape, want.shape) << path;
    if (got.values.size() < 12) continue;
    double bound_got = 0, bound_want = 0;
    for (const double value : got.values) bound_got = std::max(bound_got, std::abs(value));
    for (const double value : want.values) bound_want = std::max(bound_want, std::abs(value));
    // Uniform within the same bounds; few numbers leave some room below.
    EXPECT_NEAR(bound_got, bound_want, 0.35 * bound_want + 1e-9) << path;
  }
  EXPECT_EQ(native.at("q1/0/weight"), native.at("q1_target/0/weight"));
  EXPECT_NE(native.at("q1/0/weight"), native.at("q2/0/weight"));
}

TEST(NativeEngine, ExportsTheAveragedPolicy) {
  LearnerConfig config = SmallConfig("h2o");
  config.optimizer.policy_average = 0.25;
  NativeLearner learner(config);
  const auto before = learner.engine->ExportPolicy(PolicyKind::kCurrent);
  ASSERT_TRUE(learner.engine->Step(1).ok());
  const auto current = learner.engine->ExportPolicy(PolicyKind::kCurrent);
  const auto averaged = learner.engine->ExportPolicy(PolicyKind::kAveraged);
  ASSERT_TRUE(before.ok() && current.ok() && averaged.ok());
  EXPECT_NE(before->layers[1].weight, current->layers[1].weight);
  for (size_t layer = 0; layer < 3; ++layer) {
    for (size_t i = 0; i < before->layers[layer].weight.size(); ++i) {
      EXPECT_NEAR(averaged->layers[layer].weight[i],
                  0.75 * before->layers[layer].weight[i] + 0.25 * current->layers[layer].weight[i],
                  1e-7);
    }
  }
}

TEST(NativeEngine, ScalesInputsAsTheEagerEngineDoes) {
  LearnerConfig config = SmallConfig("h2o");
  config.networks.normalize_observations = true;
  config.algorithm.discriminator_input = DiscriminatorInput::kScaledDifference;
  NativeLearner native(config), eager(config, 1, 1, EngineKind::kEager);
  RandomInputs random(config, 2);
  const TensorTree parameters = random.Parameters(native.Parameters());
  ASSERT_TRUE(native.engine->SetParameters(parameters).ok());
  ASSERT_TRUE(eager.engine->SetParameters(parameters).ok());
  const TensorTree batch = random.Batch(8);
  const auto got = native.engine->StepWith(batch), want = eager.engine->StepWith(batch);
  ASSERT_TRUE(got.ok() && want.ok()) << got.status() << want.status();
  for (const auto& [path, tensor] : *want) {
    double greatest = 0;
    for (const double value : tensor.values) greatest = std::max(greatest, std::abs(value));
    for (size_t i = 0; i < tensor.values.size(); ++i) {
      EXPECT_NEAR(got->at(path).values[i], tensor.values[i], 1e-6 + 2e-5 * greatest) << path;
    }
  }
  const auto policy = native.engine->ExportPolicy(PolicyKind::kCurrent);
  EXPECT_EQ(policy->observation_mean,
            eager.engine->ExportPolicy(PolicyKind::kCurrent)->observation_mean);
}

TEST(NativeEngine, StopsBeforeItTrainsThroughANonFiniteLoss) {
  NativeLearner learner(SmallConfig("h2o"));
  ASSERT_TRUE(learner.engine->Step(4).ok());
  const std::string good = learner.State();
  for (const char* path : {"q1/0/weight", "d_sas/1/bias", "policy/2/weight", "q2_target/2/bias"}) {
    TensorTree parameters = learner.Parameters();
    parameters.at(path).values[0] = std::numeric_limits<double>::quiet_NaN();
    ASSERT_TRUE(learner.engine->SetParameters(parameters).ok());
    const TensorTree before = learner.Parameters();
    const absl::Status status = learner.engine->Step(10);
    EXPECT_EQ(status.code(), absl::StatusCode::kInternal) << path;
    EXPECT_NE(status.message().find("step 5"), absl::string_view::npos) << status;
    EXPECT_NE(status.message().find("nan"), absl::string_view::npos) << status;
    EXPECT_EQ(learner.engine->steps_done(), 4u);
    EXPECT_EQ(learner.Parameters().at("policy/0/weight"), before.at("policy/0/weight"));
    EXPECT_EQ(learner.engine->Step(1), status);
    ASSERT_TRUE(learner.engine->Load(good).ok());
    EXPECT_TRUE(learner.engine->Step(1).ok());
    ASSERT_TRUE(learner.engine->Load(good).ok());
  }
}

TEST(NativeEngine, StopsAtAnExplodingLoss) {
  NativeLearner learner(SmallConfig("sac"));
  TensorTree parameters = learner.Parameters();
  parameters.at("q2/2/bias").values[0] = 1e7;
  ASSERT_TRUE(learner.engine->SetParameters(parameters).ok());
  EXPECT_EQ(learner.engine->Step(1).code(), absl::StatusCode::kInternal);
}

TEST(NativeEngine, NamesTheTableThatIsEmpty) {
  EngineOptions options;
  options.config = SmallConfig("h2o");
  auto real = RandomReplay("real", 10, 3, 2, 1), sim = RandomReplay("sim", 0, 3, 2, 1);
  options.real = real.get();
  options.sim = sim.get();
  const auto engine = MakeNativeEngine(options);
  ASSERT_TRUE(engine.ok()) << engine.status();
  const absl::Status status = (*engine)->Step(1);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(status.message().find("'sim'"), absl::string_view::npos) << status;
  ASSERT_TRUE(sim->Append(RandomTransitions(5, 3, 2, 2).columns()).ok());
  EXPECT_TRUE((*engine)->Step(1).ok());
}

TEST(NativeEngine, NamesWhatAnExplicitBatchLacks) {
  const LearnerConfig config = SmallConfig("h2o");
  NativeLearner learner(config);
  TensorTree batch = RandomInputs(config, 1).Batch(8);
  batch.erase("noise/next_state");
  const auto missing = learner.engine->StepWith(batch);
  EXPECT_EQ(missing.status().code(), absl::StatusCode::kNotFound);
  EXPECT_NE(missing.status().message().find("noise/next_state"), absl::string_view::npos);
  batch = RandomInputs(config, 1).Batch(8);
  batch.erase("batch/sim/observation");
  EXPECT_EQ(learner.engine->StepWith(batch).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(learner.engine->StepWith(RandomInputs(config, 1).Batch(8)).ok());
}

TEST(NativeEngine, RefusesAStateOfAnotherKindAndGoesOnAsItWas) {
  NativeLearner h2o(SmallConfig("h2o")), sac(SmallConfig("sac"));
  LearnerConfig wide = SmallConfig("h2o");
  wide.networks.hidden = {32, 16};
  NativeLearner wider(wide);
  ASSERT_TRUE(h2o.engine->Step(2).ok());
  const std::string before = h2o.State();
  for (const std::string& state :
       {sac.State(), wider.State(), before.substr(0, before.size() / 2)}) {
    EXPECT_EQ(h2o.engine->Load(state).code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(h2o.State(), before);
}

// A run may go on with another engine than it began with: the same nets and moments, random numbers
// of its own.
TEST_P(EveryAlgorithm, GoesOnFromTheOtherEnginesState) {
  LearnerConfig config = SmallConfig(GetParam());
  config.optimizer.policy_average = 0.05;
  for (const bool to_native : {true, false}) {
    NativeLearner from(config, 5, 1, to_native ? EngineKind::kEager : EngineKind::kNative);
    NativeLearner to(config, 9, 1, to_native ? EngineKind::kNative : EngineKind::kEager);
    ASSERT_TRUE(from.engine->Step(10).ok());
    const absl::Status loaded = to.engine->Load(from.State());
    ASSERT_TRUE(loaded.ok()) << loaded;
    EXPECT_EQ(to.engine->steps_done(), 10u);
    const auto before = ParseEngineState(from.State()), after = ParseEngineState(to.State());
    ASSERT_TRUE(before.ok() && after.ok());
    EXPECT_EQ(after->tensors, before->tensors);
    NativeLearner again(config, 9, 1, to_native ? EngineKind::kNative : EngineKind::kEager);
    ASSERT_TRUE(again.engine->Load(from.State()).ok());
    ASSERT_TRUE(to.engine->Step(5).ok());
    ASSERT_TRUE(again.engine->Step(5).ok());
    EXPECT_EQ(to.State(), again.State());
    const TensorTree batch = RandomInputs(config, 3).Batch(8);
    ASSERT_TRUE(to.engine->Load(from.State()).ok());
    const auto want = from.engine->StepWith(batch), got = to.engine->StepWith(batch);
    ASSERT_TRUE(want.ok() && got.ok());
    for (const char* loss : {"loss/policy", "loss/q1_td", "loss/q2_td"}) {
      const double expected = want->at(loss).values[0];
      EXPECT_NEAR(got->at(loss).values[0], expected, 1e-5 + 1e-4 * std::abs(expected)) << loss;
    }
  }
}

// What the shards sampled is used once, whole steps at a time.
TEST_P(EveryAlgorithm, UsesRowsInOrderOnce) {
  const LearnerConfig config = SmallConfig(GetParam());
  const int real_rows = config.RealRowsDrawn(), sim_rows = config.SimRowsDrawn();
  const auto make = [](const char* name, int rows, uint32_t seed) {
    ReplayOptions options = {.name = name, .observation_dim = 3, .action_dim = 2, .capacity = 1000};
    options.in_order = true;
    auto replay = MakeReplay(options);
    const absl::Status appended = replay->Append(RandomTransitions(rows, 3, 2, seed).columns());
    EXPECT_TRUE(appended.ok()) << appended;
    return replay;
  };
  const auto dataset = RandomReplay("real", 200, 3, 2, 1);
  for (const EngineKind kind : {EngineKind::kEager, EngineKind::kNative}) {
    // Of three steps and a bit.
    const auto real = make("real", real_rows > 0 ? 3 * real_rows + 1 : 0, 1);
    const auto sim = make("sim", sim_rows > 0 ? 3 * sim_rows + 1 : 0, 2);
    real->SetMoments(*dataset->Moments());
    EngineOptions options;
    options.config = config;
    options.real = real.get();
    options.sim = sim.get();
    const auto engine = MakeEngine(kind, options);
    ASSERT_TRUE(engine.ok()) << engine.status();
    LearnDynamics(**engine, *dataset, 1);
    const absl::Status stepped = (*engine)->Step(3);
    ASSERT_TRUE(stepped.ok()) << stepped;
    EXPECT_EQ(real->size(), real_rows > 0 ? 1 : 0);
    EXPECT_EQ(sim->size(), sim_rows > 0 ? 1 : 0);
    EXPECT_EQ((*engine)->Step(1).code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ((*engine)->steps_done(), 3u);
  }
}

TEST(NativeEngine, DrawsTheNewestRowsOfAFullRing) {
  ReplayOptions ring;
  ring.name = "sim";
  ring.observation_dim = 3;
  ring.action_dim = 2;
  ring.capacity = 50;
  EngineOptions options;
  options.config = SmallConfig("sac");
  auto wrapped = MakeReplay(ring), plain = MakeReplay(ring);
  const auto rows = RandomTransitions(80, 3, 2, 5);
  ASSERT_TRUE(wrapped->Append(rows.columns()).ok());
  const auto last = [&](const std::vector<float>& column, int dim) {
    return std::vector<float>(column.end() - 50 * dim, column.end());
  };
  const OwnedTransitions kept = {last(rows.observation, 3), last(rows.action, 2),
                                 last(rows.next_observation, 3), last(rows.reward, 1),
                                 last(rows.terminal, 1)};
  ASSERT_TRUE(plain->Append(kept.columns()).ok());
  TensorTree after[2];
  for (const int i : {0, 1}) {
    options.sim = i == 0 ? wrapped.get() : plain.get();
    const auto engine = MakeNativeEngine(options);
    ASSERT_TRUE((*engine)->Step(5).ok());
    after[i] = *(*engine)->Parameters();
  }
  EXPECT_EQ(after[0], after[1]);
}

}  // namespace
}  // namespace estuary::learner
