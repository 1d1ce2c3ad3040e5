// The graph engine as an engine: seeds, states, errors. On the CPU; the last tests on a GPU where
// there is one.
#include "learner/core/cuda/graph_engine.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "learner/core/cuda/host_backend.h"
#include "learner/core/engine.h"
#include "tests/learner/core/random_replay.h"

namespace estuary::learner::cuda {
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

struct SmallTables {
  std::unique_ptr<DeviceReplay> real = RandomReplay("real", 200, 3, 2, 1);
  std::unique_ptr<DeviceReplay> sim = RandomReplay("sim", 300, 3, 2, 2, 1.3f);

  EngineOptions Options(const LearnerConfig& config, uint64_t seed = 1) const {
    EngineOptions options;
    options.config = config;
    options.seed = seed;
    options.real = real.get();
    options.sim = sim.get();
    return options;
  }
  // With a model of the dynamics where the algorithm reads one.
  std::unique_ptr<Engine> Make(const LearnerConfig& config, uint64_t seed = 1) const {
    auto engine = MakeGraphEngine(Options(config, seed));
    EXPECT_TRUE(engine.ok()) << engine.status();
    LearnDynamics(**engine, *real, seed);
    return *std::move(engine);
  }
};

class GraphEngine : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Every, GraphEngine, testing::ValuesIn(AlgorithmNames()),
                         [](const auto& info) { return info.param; });

TEST_P(GraphEngine, StartsFromTheEagerEnginesParameters) {
  const SmallTables tables;
  const auto eager = MakeEagerEngine(tables.Options(SmallConfig(GetParam()), 5));
  const auto graph = MakeGraphEngine(tables.Options(SmallConfig(GetParam()), 5));
  ASSERT_TRUE(eager.ok() && graph.ok());
  EXPECT_EQ(ParametersOf(**graph), ParametersOf(**eager));
}

TEST_P(GraphEngine, GivesTheSameBitsForTheSameSeedAndGoesOnFromAState) {
  const SmallTables tables;
  const LearnerConfig config = SmallConfig(GetParam());
  const auto a = tables.Make(config, 5), b = tables.Make(config, 5), other = tables.Make(config, 6);
  // One launch of many steps and some of one.
  ASSERT_TRUE(a->Step(20).ok());
  const std::string half = StateOf(*a);
  ASSERT_TRUE(a->Step(7).ok());
  for (int i = 0; i < 27; ++i) ASSERT_TRUE(b->Step(1).ok());
  EXPECT_EQ(StateOf(*a), StateOf(*b));
  ASSERT_TRUE(other->Step(27).ok());
  EXPECT_NE(ParametersOf(*a), ParametersOf(*other));
  ASSERT_TRUE(other->Load(half).ok());
  EXPECT_EQ(other->steps_done(), 20u);
  ASSERT_TRUE(other->Step(7).ok());
  EXPECT_EQ(StateOf(*other), StateOf(*a));
}

// Seeds side by side are the seeds alone, each with simulated rows of its own.
TEST_P(GraphEngine, TrainsSeedsSideBySideAsIfAlone) {
  const SmallTables tables;
  const LearnerConfig config = SmallConfig(GetParam());
  const auto other_sim = RandomReplay("sim", 250, 3, 2, 9);
  const auto seeds =
      MakeSeedEngines(tables.Options(config), {{.seed = 3}, {.seed = 4, .sim = other_sim.get()}});
  ASSERT_TRUE(seeds.ok()) << seeds.status();
  ASSERT_EQ((*seeds)->size(), 2u);
  LearnDynamics((*seeds)->engine(0), *tables.real, 3);
  LearnDynamics((*seeds)->engine(1), *tables.real, 4);
  ASSERT_TRUE((*seeds)->Step(18).ok());
  const auto first = tables.Make(config, 3);
  EngineOptions options = tables.Options(config, 4);
  options.sim = other_sim.get();
  const auto second = MakeGraphEngine(options);
  ASSERT_TRUE(second.ok());
  LearnDynamics(**second, *tables.real, 4);
  ASSERT_TRUE(first->Step(18).ok());
  ASSERT_TRUE((*second)->Step(18).ok());
  EXPECT_EQ(StateOf((*seeds)->engine(0)), StateOf(*first));
  EXPECT_EQ(StateOf((*seeds)->engine(1)), StateOf(**second));
  EXPECT_EQ(*(*seeds)->engine(1).Metrics(), *(*second)->Metrics());
}

TEST(GraphSeeds, StepTogetherOnly) {
  const SmallTables tables;
  const auto seeds =
      MakeSeedEngines(tables.Options(SmallConfig("sac")), {{.seed = 3}, {.seed = 4}});
  ASSERT_TRUE(seeds.ok()) << seeds.status();
  EXPECT_EQ((*seeds)->engine(0).Step(1).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ((*seeds)->engine(1).StepWith({}).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(MakeSeedEngines(tables.Options(SmallConfig("sac")), {}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(GraphSeeds, GoOnWithoutTheOneThatDiverged) {
  const SmallTables tables;
  const auto seeds =
      MakeSeedEngines(tables.Options(SmallConfig("h2o")), {{.seed = 3}, {.seed = 4}});
  ASSERT_TRUE(seeds.ok());
  ASSERT_TRUE((*seeds)->Step(2).ok());
  Engine& bad = (*seeds)->engine(0);
  const std::string good = StateOf(bad);
  TensorTree parameters = ParametersOf(bad);
  parameters.at("q1/0/weight").values[0] = std::numeric_limits<double>::quiet_NaN();
  ASSERT_TRUE(bad.SetParameters(parameters).ok());
  const absl::Status status = (*seeds)->Step(20);
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_NE(status.message().find("of seed 3"), absl::string_view::npos) << status;
  EXPECT_EQ(bad.steps_done(), 2u);
  EXPECT_EQ((*seeds)->engine(1).steps_done(), 18u);
  ASSERT_TRUE(bad.Load(good).ok());
  EXPECT_TRUE((*seeds)->Step(4).ok());
  EXPECT_EQ(bad.steps_done(), 6u);
  EXPECT_EQ((*seeds)->engine(1).steps_done(), 22u);
}

TEST(GraphEngine, StopsBeforeItTrainsThroughANonFiniteLoss) {
  const SmallTables tables;
  const auto engine = tables.Make(SmallConfig("h2o"));
  ASSERT_TRUE(engine->Step(4).ok());
  const std::string good = StateOf(*engine);
  TensorTree parameters = ParametersOf(*engine);
  parameters.at("q1/0/weight").values[0] = std::numeric_limits<double>::quiet_NaN();
  ASSERT_TRUE(engine->SetParameters(parameters).ok());
  const TensorTree before = ParametersOf(*engine);
  const absl::Status status = engine->Step(40);
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_NE(status.message().find("step 5"), absl::string_view::npos) << status;
  EXPECT_NE(status.message().find("q1_td"), absl::string_view::npos) << status;
  EXPECT_EQ(engine->steps_done(), 4u);
  const TensorTree after = ParametersOf(*engine);
  for (const char* path : {"policy/0/weight", "q2/0/weight", "q2_target/0/weight", "log_alpha"}) {
    EXPECT_EQ(after.at(path), before.at(path)) << path;
  }
  EXPECT_EQ(engine->Step(1), status);
  ASSERT_TRUE(engine->Load(good).ok());
  EXPECT_TRUE(engine->Step(1).ok());
}

TEST(GraphEngine, StopsBeforeTheDiscriminatorsTrainThroughANonFiniteLoss) {
  const SmallTables tables;
  const auto engine = tables.Make(SmallConfig("h2o"));
  TensorTree parameters = ParametersOf(*engine);
  parameters.at("d_sa/0/bias").values[0] = std::numeric_limits<double>::quiet_NaN();
  ASSERT_TRUE(engine->SetParameters(parameters).ok());
  const absl::Status status = engine->Step(3);
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_NE(status.message().find("step 1"), absl::string_view::npos) << status;
  EXPECT_EQ(ParametersOf(*engine).at("d_sas/1/weight"), parameters.at("d_sas/1/weight"));
  EXPECT_EQ(ParametersOf(*engine).at("policy/0/weight"), parameters.at("policy/0/weight"));
}

TEST(GraphEngine, StopsAtAnExplodingLoss) {
  const SmallTables tables;
  const auto engine = tables.Make(SmallConfig("sac"));
  TensorTree parameters = ParametersOf(*engine);
  parameters.at("q2/2/bias").values[0] = 1e7;
  ASSERT_TRUE(engine->SetParameters(parameters).ok());
  EXPECT_EQ(engine->Step(1).code(), absl::StatusCode::kInternal);
}

TEST(GraphEngine, SeesRowsThatComeBetweenSteps) {
  auto real = RandomReplay("real", 50, 3, 2, 1);
  ReplayOptions ring;
  ring.name = "sim";
  ring.observation_dim = 3;
  ring.action_dim = 2;
  ring.capacity = 60;
  auto sim = MakeReplay(ring), like = MakeReplay(ring);
  EngineOptions options;
  options.config = SmallConfig("h2o");
  options.real = real.get();
  options.sim = sim.get();
  const auto engine = MakeGraphEngine(options);
  ASSERT_TRUE(engine.ok());
  EXPECT_EQ((*engine)->Step(1).code(), absl::StatusCode::kFailedPrecondition);
  options.sim = like.get();
  const auto same = MakeGraphEngine(options);
  ASSERT_TRUE(same.ok());
  // Past the ring's end; `like` gets the rows otherwise cut.
  for (int i = 0; i < 4; ++i) {
    const auto rows = RandomTransitions(25, 3, 2, 10 + static_cast<uint32_t>(i));
    ASSERT_TRUE(sim->Append(rows.columns()).ok());
    ASSERT_TRUE(like->Append(rows.columns()).ok());
    ASSERT_TRUE((*engine)->Step(3).ok());
    for (int step = 0; step < 3; ++step) ASSERT_TRUE((*same)->Step(1).ok());
  }
  EXPECT_EQ(StateOf(**engine), StateOf(**same));
}

TEST(GraphEngine, UsesRowsInOrderOnceEach) {
  ReplayOptions sampled;
  sampled.name = "sim";
  sampled.observation_dim = 3;
  sampled.action_dim = 2;
  sampled.in_order = true;
  auto sim = MakeReplay(sampled), again = MakeReplay(sampled);
  const auto rows = RandomTransitions(16 * 20, 3, 2, 3);
  ASSERT_TRUE(sim->Append(rows.columns()).ok());
  ASSERT_TRUE(again->Append(rows.columns()).ok());
  EngineOptions options;
  options.config = SmallConfig("sac");
  options.sim = sim.get();
  const auto engine = MakeGraphEngine(options);
  options.sim = again.get();
  const auto one_by_one = MakeGraphEngine(options);
  ASSERT_TRUE(engine.ok() && one_by_one.ok());
  ASSERT_TRUE((*engine)->Step(18).ok());
  EXPECT_EQ(sim->size(), 2 * 16);
  for (int i = 0; i < 18; ++i) ASSERT_TRUE((*one_by_one)->Step(1).ok());
  EXPECT_EQ(StateOf(**engine), StateOf(**one_by_one));
  const absl::Status status = (*engine)->Step(3);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_EQ((*engine)->steps_done(), 20u);
}

TEST(GraphEngine, RefusesAStateOfAnotherAlgorithmOrShapeAndGoesOnAsItWas) {
  const SmallTables tables;
  const auto h2o = tables.Make(SmallConfig("h2o")), sac = tables.Make(SmallConfig("sac"));
  LearnerConfig wide = SmallConfig("h2o");
  wide.networks.hidden = {32, 16};
  const auto wider = tables.Make(wide);
  ASSERT_TRUE(h2o->Step(2).ok());
  const std::string before = StateOf(*h2o);
  for (const std::string& state :
       {StateOf(*sac), StateOf(*wider), before.substr(0, before.size() / 2)}) {
    EXPECT_EQ(h2o->Load(state).code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(StateOf(*h2o), before);
}

TEST(GraphEngine, TakesAnEagerStateAndGivesOneToIt) {
  const SmallTables tables;
  const LearnerConfig config = SmallConfig("h2o");
  const auto graph = tables.Make(config, 5);
  const auto eager = MakeEagerEngine(tables.Options(config, 8));
  ASSERT_TRUE(eager.ok());
  ASSERT_TRUE((*eager)->Step(3).ok());
  ASSERT_TRUE(graph->Load(StateOf(**eager)).ok());
  EXPECT_EQ(ParametersOf(*graph), ParametersOf(**eager));
  EXPECT_EQ(graph->steps_done(), 3u);
  ASSERT_TRUE(graph->Step(2).ok());
  ASSERT_TRUE((*eager)->Load(StateOf(*graph)).ok());
  EXPECT_EQ(ParametersOf(*graph), ParametersOf(**eager));
}

TEST(GraphEngine, SaysWhatItDoesNotCompute) {
  for (auto layers : {&NetworkConfig::hidden, &NetworkConfig::discriminator_hidden,
                      &NetworkConfig::dynamics_hidden}) {
    LearnerConfig deep = SmallConfig("h2o");
    (deep.networks.*layers).assign(8, 4);
    const absl::Status status = CheckSupported(deep);
    EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
    EXPECT_NE(status.message().find("EAGER"), absl::string_view::npos) << status;
  }
}

// One seed without a model stops all: they step together.
TEST(GraphEngine, RefusesStepsWithoutAModelOfTheDynamics) {
  const SmallTables tables;
  const auto seeds =
      MakeSeedEngines(tables.Options(SmallConfig("h2o_reverse_kl")), {{.seed = 3}, {.seed = 4}});
  ASSERT_TRUE(seeds.ok()) << seeds.status();
  LearnDynamics((*seeds)->engine(0), *tables.real, 3);
  const absl::Status status = (*seeds)->Step(1);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_NE(status.message().find("model of the dynamics"), absl::string_view::npos) << status;
  ASSERT_TRUE((*seeds)->engine(1).Load(StateOf((*seeds)->engine(0))).ok());
  EXPECT_TRUE((*seeds)->Step(1).ok());
}

TEST(GraphEngine, StopsAtAnExplodingLossOfTheValue) {
  const SmallTables tables;
  const auto engine = tables.Make(SmallConfig("h2o_plus"));
  TensorTree parameters = ParametersOf(*engine);
  parameters.at("v/2/bias").values[0] = 1e7;
  ASSERT_TRUE(engine->SetParameters(parameters).ok());
  const absl::Status status = engine->Step(1);
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_NE(status.message().find(" v="), absl::string_view::npos) << status;
  const TensorTree after = ParametersOf(*engine);
  for (const char* path : {"v/0/weight", "policy/0/weight", "q1/0/weight", "q2_target/0/weight"}) {
    EXPECT_EQ(after.at(path), parameters.at(path)) << path;
  }
}

TEST(GraphEngine, SaysWhyAGpuCannotBeUsed) {
  if (BestDevice() == Device::kCuda) GTEST_SKIP() << "there is a GPU";
  EngineOptions options;
  options.config = SmallConfig("sac");
  options.device = Device::kCuda;
  const auto engine = MakeEngine(EngineKind::kGraph, options);
  EXPECT_EQ(engine.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(engine.status().message().find("CUDA"), absl::string_view::npos) << engine.status();
}

// On a GPU: replays there, many seeds, and the same bits again.
TEST(GraphEngineOnAGpu, TrainsSeedsSideBySideAsIfAlone) {
  if (BestDevice() != Device::kCuda) GTEST_SKIP() << "there is no GPU";
  std::unique_ptr<DeviceReplay> tables[2];
  for (const bool real : {true, false}) {
    ReplayOptions replay;
    replay.name = real ? "real" : "sim";
    replay.observation_dim = 3;
    replay.action_dim = 2;
    replay.device = Device::kCuda;
    tables[real ? 0 : 1] = MakeReplay(replay);
    ASSERT_TRUE(
        tables[real ? 0 : 1]->Append(RandomTransitions(300, 3, 2, real ? 1 : 2).columns()).ok());
  }
  for (const std::string& algorithm : AlgorithmNames()) {
    EngineOptions options;
    options.config = SmallConfig(algorithm);
    options.device = Device::kCuda;
    options.real = tables[0].get();
    options.sim = tables[1].get();
    const auto seeds = MakeSeedEngines(options, {{.seed = 3}, {.seed = 4}, {.seed = 5}});
    ASSERT_TRUE(seeds.ok()) << seeds.status();
    for (size_t i = 0; i < 3; ++i) LearnDynamics((*seeds)->engine(i), *tables[0], 3 + i);
    ASSERT_TRUE((*seeds)->Step(40).ok());
    ASSERT_TRUE(tables[1]->Append(RandomTransitions(50, 3, 2, 7).columns()).ok());
    ASSERT_TRUE((*seeds)->Step(40).ok());
    EXPECT_EQ((*seeds)->engine(2).steps_done(), 80u);
    const auto metrics = (*seeds)->engine(2).Metrics();
    ASSERT_TRUE(metrics.ok()) << metrics.status();
    for (const auto& [name, value] : *metrics) {
      EXPECT_TRUE(std::isfinite(value)) << algorithm << " " << name;
    }
  }
}

}  // namespace
}  // namespace estuary::learner::cuda
