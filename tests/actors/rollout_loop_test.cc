#include "actors/rollout_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "tests/actors/rollout_harness.h"
#include "tests/common/policy/allocation_trap.h"

namespace estuary::actor {
namespace {

using policy::testing::AllocationTrap;
using testing::CollectedRow;
using testing::MakeReadyPolicy;
using testing::RolloutHarness;
using testing::ScriptedWorld;
using End = ScriptedWorld::End;

// Blocks by rows alone, so that nothing depends on the clock.
RolloutConfig Config() {
  RolloutConfig config;
  config.block_rows = 16;
  config.block_time = absl::InfiniteDuration();
  return config;
}

constexpr uint8_t kTerminal = v1::TRANSITION_FLAG_TERMINAL;
constexpr uint8_t kTruncated = v1::TRANSITION_FLAG_TRUNCATED;

TEST(RolloutLoop, RecordsWhatHappened) {
  RolloutHarness h(Config(), {{.id = 0}, {.id = 1}, {.id = 2}});
  h.inbox.Put(MakeReadyPolicy(4, 3));
  ASSERT_TRUE(h.RunUntil(60).ok());
  ASSERT_GE(h.sink.rows.size(), 60u);
  EXPECT_EQ(h.loop.sequence(), h.sink.rows.size());
  for (size_t i = 0; i < h.sink.rows.size(); ++i) {
    const CollectedRow& row = h.sink.rows[i];
    EXPECT_EQ(row.observation[0], i % 3);
    EXPECT_EQ(row.observation[2], i / 3);
    EXPECT_EQ(row.next_observation[2], i / 3 + 1);
    EXPECT_EQ(row.reward, i / 3 + 1);
    EXPECT_EQ(row.flags, 0);
    EXPECT_EQ(row.source, v1::TRANSITION_SOURCE_POLICY);
    EXPECT_EQ(row.policy_version, 4u);
    EXPECT_EQ(row.episode, i % 3);
  }
}

TEST(RolloutLoop, TakesTheActionsOfThePolicyWithItsNoise) {
  RolloutConfig config = Config();
  config.noise_correlation = 0.8;
  config.seed = 11;
  RolloutHarness h(config, {{.id = 0}, {.id = 1}});
  h.inbox.Put(MakeReadyPolicy(1, 2));
  ASSERT_TRUE(h.RunUntil(32).ok());
  ReadyPolicy same = MakeReadyPolicy(1, 1);
  std::set<float> different;
  for (const CollectedRow& row : h.sink.rows) {
    std::vector<float> mean(2);
    same.policy->Act(row.observation, 1, *same.workspace, absl::MakeSpan(mean));
    // Noise moves every action off the mean, and stays in range.
    EXPECT_NE(row.action, mean);
    EXPECT_LE(std::abs(row.action[0]), 1);
    different.insert(row.action[0]);
  }
  EXPECT_GT(different.size(), 30u);
}

TEST(RolloutLoop, MarksTerminationAndKeepsTheLastObservation) {
  RolloutHarness h(Config(), {{.id = 7, .end_step = 5, .end = End::kTerminate}});
  h.inbox.Put(MakeReadyPolicy(1, 1));
  ASSERT_TRUE(h.RunUntil(48).ok());
  for (size_t i = 0; i < h.sink.rows.size(); ++i) {
    const CollectedRow& row = h.sink.rows[i];
    EXPECT_EQ(row.flags, i % 5 == 4 ? kTerminal : 0) << i;
    EXPECT_EQ(row.episode, i / 5);
    // s' is the same episode's next observation, never the next episode's first.
    EXPECT_EQ(row.next_observation[1], row.observation[1]);
    EXPECT_EQ(row.next_observation[2], row.observation[2] + 1);
    EXPECT_EQ(row.next_observation[3], row.observation[3]);
    if (i % 5 == 0) {
      EXPECT_EQ(row.observation[2], 0);
    }
  }
}

TEST(RolloutLoop, MarksTruncationAsNoTermination) {
  RolloutHarness h(Config(), {{.id = 0, .end_step = 3, .end = End::kTruncate},
                              {.id = 1, .end_step = 4, .end = End::kBoth}});
  h.inbox.Put(MakeReadyPolicy(1, 2));
  ASSERT_TRUE(h.RunUntil(48).ok());
  int truncated = 0;
  int terminal = 0;
  for (const CollectedRow& row : h.sink.rows) {
    if (row.observation[0] == 0) {
      EXPECT_EQ(row.flags, row.next_observation[2] == 3 ? kTruncated : 0);
      truncated += row.flags == kTruncated;
    } else {
      // What terminates was not merely cut.
      EXPECT_EQ(row.flags, row.next_observation[2] == 4 ? kTerminal : 0);
      terminal += row.flags == kTerminal;
    }
  }
  EXPECT_GT(truncated, 5);
  EXPECT_GT(terminal, 4);
}

TEST(RolloutLoop, NumbersEpisodesOnceEvenAcrossRestarts) {
  RolloutConfig config = Config();
  RolloutHarness first(config, {{.id = 0, .end_step = 1, .end = End::kTruncate},
                                {.id = 1, .end_step = 3, .end = End::kTerminate}});
  first.inbox.Put(MakeReadyPolicy(1, 2));
  ASSERT_TRUE(first.RunUntil(64).ok());
  config.first_sequence = first.loop.sequence();
  RolloutHarness second(config, {{.id = 0, .end_step = 1, .end = End::kTruncate}, {.id = 1}});
  second.inbox.Put(MakeReadyPolicy(1, 2));
  ASSERT_TRUE(second.RunUntil(64).ok());
  // An episode is one world's, one stretch of steps.
  std::map<uint32_t, std::vector<float>> seen;
  for (const auto* h : {&first, &second}) {
    for (const CollectedRow& row : h->sink.rows) {
      const std::vector<float> key = {row.observation[0], row.observation[1],
                                      h == &first ? 0.0f : 1.0f};
      EXPECT_EQ(seen.emplace(row.episode, key).first->second, key);
    }
  }
}

TEST(RolloutLoop, BeginsWithRandomActionsExactlyAsMany) {
  RolloutConfig config = Config();
  config.random_steps = 10;
  RolloutHarness h(config, {{.id = 0}, {.id = 1}, {.id = 2}, {.id = 3}});
  h.inbox.Put(MakeReadyPolicy(9, 4));
  ASSERT_TRUE(h.RunUntil(32).ok());
  for (size_t i = 0; i < h.sink.rows.size(); ++i) {
    const CollectedRow& row = h.sink.rows[i];
    EXPECT_EQ(row.source, i < 10 ? v1::TRANSITION_SOURCE_RANDOM : v1::TRANSITION_SOURCE_POLICY)
        << i;
    EXPECT_EQ(row.policy_version, i < 10 ? 0u : 9u) << i;
  }
}

TEST(RolloutLoop, CountsRandomStepsOverItsRestarts) {
  RolloutConfig config = Config();
  config.random_steps = 10;
  config.first_sequence = 7;
  RolloutHarness h(config, {{.id = 0}});
  h.inbox.Put(MakeReadyPolicy(9, 1));
  ASSERT_TRUE(h.RunUntil(16).ok());
  for (size_t i = 0; i < h.sink.rows.size(); ++i) {
    EXPECT_EQ(h.sink.rows[i].source,
              i < 3 ? v1::TRANSITION_SOURCE_RANDOM : v1::TRANSITION_SOURCE_POLICY);
  }
}

TEST(RolloutLoop, StepsRandomlyWithoutAPolicyAndThenWaitsForOne) {
  RolloutConfig config = Config();
  config.random_steps = 21;
  RolloutHarness h(config, {{.id = 0}, {.id = 1}});
  // The learner's word to begin, without a policy; the last random rows come in a block that is not
  // full.
  h.inbox.Put({});
  const absl::Time give_up = absl::Now() + absl::Seconds(20);
  ASSERT_TRUE(h.loop.Run([&] { return h.sink.rows.size() == 21 || absl::Now() > give_up; }).ok());
  EXPECT_EQ(h.sink.rows.size(), 21u);
  EXPECT_EQ(h.sink.blocks, (std::vector<uint32_t>{16, 5}));
}

TEST(RolloutLoop, AddsNoRowBeforeTheLearnersFirstWord) {
  RolloutConfig config = Config();
  config.random_steps = 21;
  RolloutHarness h(config, {{.id = 0}, {.id = 1}});
  int asked = 0;
  ASSERT_TRUE(h.loop.Run([&] { return ++asked > 4; }).ok());
  EXPECT_EQ(h.loop.sequence(), 0u);
  EXPECT_TRUE(h.sink.rows.empty());
}

TEST(RolloutLoop, StopsAtTheLimitOfLockstepExactly) {
  RolloutConfig config = Config();
  config.lockstep = true;
  for (const int worlds : {1, 3}) {
    std::vector<ScriptedWorld::Script> scripts(worlds);
    RolloutHarness h(config, scripts);
    // Each full stop of rows makes the learner publish the next version.
    uint64_t version = 1;
    h.sink.on_block = [&] {
      if (h.sink.rows.size() == version * 50 && version < 4) {
        ++version;
        h.inbox.Put(MakeReadyPolicy(version, worlds, version * 50));
      }
    };
    h.inbox.Put(MakeReadyPolicy(1, worlds, 50));
    const absl::Time give_up = absl::Now() + absl::Seconds(20);
    ASSERT_TRUE(
        h.loop.Run([&] { return h.sink.rows.size() >= 200 || absl::Now() > give_up; }).ok());
    ASSERT_EQ(h.sink.rows.size(), 200u);
    for (size_t i = 0; i < 200; ++i) EXPECT_EQ(h.sink.rows[i].policy_version, i / 50 + 1) << i;
  }
}

TEST(RolloutLoop, TakesNoStepInLockstepBeforeItMay) {
  RolloutConfig config = Config();
  config.lockstep = true;
  config.random_steps = 100;
  RolloutHarness h(config, {{.id = 0}});
  int asked = 0;
  ASSERT_TRUE(h.loop.Run([&] { return ++asked > 4; }).ok());
  EXPECT_EQ(h.loop.sequence(), 0u);
  EXPECT_TRUE(h.sink.rows.empty());
}

TEST(RolloutLoop, SwapsThePolicyBetweenTwoSteps) {
  RolloutHarness h(Config(), {{.id = 0}, {.id = 1}, {.id = 2}});
  h.inbox.Put(MakeReadyPolicy(1, 3));
  h.sink.on_block = [&] {
    if (h.sink.blocks.size() == 2) {
      // The newest of two wins.
      h.inbox.Put(MakeReadyPolicy(2, 3));
      h.inbox.Put(MakeReadyPolicy(3, 3));
    }
  };
  ASSERT_TRUE(h.RunUntil(90).ok());
  const size_t swap = h.sink.blocks[0] + h.sink.blocks[1];
  EXPECT_EQ(swap % 3, 0u);
  for (size_t i = 0; i < h.sink.rows.size(); ++i) {
    EXPECT_EQ(h.sink.rows[i].policy_version, i < swap ? 1u : 3u) << i;
  }
}

TEST(RolloutLoop, EndsWithTheFinalPolicy) {
  RolloutHarness h(Config(), {{.id = 0}});
  h.inbox.Put(MakeReadyPolicy(1, 1));
  h.sink.on_block = [&] {
    ReadyPolicy last = MakeReadyPolicy(2, 1);
    last.final = true;
    h.inbox.Put(std::move(last));
  };
  ASSERT_TRUE(h.loop.Run([] { return false; }).ok());
  EXPECT_TRUE(h.loop.final());
  EXPECT_EQ(h.sink.rows.size(), 16u);
}

TEST(RolloutLoop, StandsStillWhileThereIsNoRoomButTakesNewPolicies) {
  RolloutHarness h(Config(), {{.id = 0}});
  h.inbox.Put(MakeReadyPolicy(1, 1));
  int refused = 0;
  h.sink.room = [&] {
    if (h.sink.blocks.size() != 1) return true;
    if (++refused == 3) h.inbox.Put(MakeReadyPolicy(2, 1));
    return refused > 5;
  };
  ASSERT_TRUE(h.RunUntil(48).ok());
  EXPECT_EQ(h.sink.blocks, (std::vector<uint32_t>{16, 16, 16}));
  for (size_t i = 0; i < 48; ++i) {
    EXPECT_EQ(h.sink.rows[i].policy_version, i < 32 ? 1u : 2u);
    EXPECT_EQ(h.sink.rows[i].observation[2], i);
  }
}

TEST(RolloutLoop, LeavesAWaitForRoomWhenTrainingEnds) {
  RolloutHarness h(Config(), {{.id = 0}});
  h.inbox.Put(MakeReadyPolicy(1, 1));
  h.sink.room = [&] {
    if (h.sink.calls == 3) {
      ReadyPolicy last;
      last.final = true;
      h.inbox.Put(std::move(last));
    }
    return false;
  };
  ASSERT_TRUE(h.loop.Run([] { return false; }).ok());
  EXPECT_TRUE(h.loop.final());
}

TEST(RolloutLoop, LeavesAWaitForRoomWhenAskedToStop) {
  RolloutHarness h(Config(), {{.id = 0}});
  h.inbox.Put(MakeReadyPolicy(1, 1));
  h.sink.room = [] { return false; };
  ASSERT_TRUE(h.loop.Run([&] { return h.sink.calls > 3; }).ok());
}

TEST(RolloutLoop, DropsAnEpisodeFromWhereItDiverged) {
  for (const End end : {End::kDiverge, End::kNan}) {
    RolloutHarness h(Config(), {{.id = 0, .end_step = 4, .end = end}, {.id = 1}});
    h.inbox.Put(MakeReadyPolicy(1, 2));
    ASSERT_TRUE(h.RunUntil(64).ok());
    int rows = 0;
    for (const CollectedRow& row : h.sink.rows) {
      if (row.observation[0] != 0) continue;
      ++rows;
      // Three good steps an episode; the fourth never existed, and the next row begins anew.
      EXPECT_LE(row.next_observation[2], 3);
      EXPECT_EQ(row.observation[1], (rows - 1) / 3);
      EXPECT_EQ(row.flags, 0);
    }
    EXPECT_GT(rows, 20);
    EXPECT_EQ(h.loop.sequence(), h.sink.rows.size());
  }
}

TEST(RolloutLoop, SurvivesASimulatorThatAlwaysDiverges) {
  RolloutHarness h(Config(), {{.id = 0, .end_step = 1, .end = End::kDiverge, .end_episodes = 500}});
  h.inbox.Put(MakeReadyPolicy(1, 1));
  ASSERT_TRUE(h.RunUntil(16).ok());
  EXPECT_EQ(h.sink.rows[0].observation[1], 500);
}

TEST(RolloutLoop, ReturnsTheSinksError) {
  class FullSink : public RowSink {
    absl::StatusOr<bool> TryAppend(transition::BlockBuilder&) override {
      return absl::ResourceExhaustedError("table 'sim' is full");
    }
  };
  process::Metrics registry;
  ActorMetrics metrics(registry);
  PolicyInbox inbox;
  FullSink sink;
  RolloutLoop loop(Config(), testing::ScriptedSchema(), testing::ScriptedWorlds({{.id = 0}}), inbox,
                   sink, metrics);
  inbox.Put(MakeReadyPolicy(1, 1));
  const absl::Status status = loop.Run([] { return false; });
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
}

TEST(RolloutLoop, ReturnsTheInboxsError) {
  RolloutHarness h(Config(), {{.id = 0}});
  h.inbox.Put(MakeReadyPolicy(1, 1));
  h.sink.on_block = [&] { h.inbox.Fail(absl::FailedPreconditionError("another run")); };
  EXPECT_EQ(h.loop.Run([] { return false; }).code(), absl::StatusCode::kFailedPrecondition);
}

TEST(RolloutLoop, WaitsForAPolicyThatComesLater) {
  RolloutHarness h(Config(), {{.id = 0}});
  std::thread learner([&] {
    absl::SleepFor(absl::Milliseconds(30));
    h.inbox.Put(MakeReadyPolicy(1, 1));
  });
  EXPECT_TRUE(h.RunUntil(16).ok());
  learner.join();
  EXPECT_EQ(h.sink.rows.size(), 16u);
}

std::vector<CollectedRow> Rows(uint64_t seed, int index, uint64_t first_sequence) {
  RolloutConfig config = Config();
  config.seed = seed;
  config.index = index;
  config.first_sequence = first_sequence;
  config.noise_correlation = 0.5;
  config.random_steps = first_sequence + 8;
  RolloutHarness h(config, {{.id = 0, .end_step = 7, .end = End::kTerminate}, {.id = 0}});
  h.inbox.Put(MakeReadyPolicy(1, 2));
  EXPECT_TRUE(h.RunUntil(64).ok());
  for (CollectedRow& row : h.sink.rows) row.episode = 0;
  return h.sink.rows;
}

TEST(RolloutLoop, GivesTheSameBitsForTheSameSeed) { EXPECT_EQ(Rows(3, 0, 0), Rows(3, 0, 0)); }

TEST(RolloutLoop, GivesOtherRowsToOtherSeedsActorsWorldsAndLives) {
  const std::vector<CollectedRow> rows = Rows(3, 0, 0);
  // Reset's draw and action; the worlds 0 and 1 stand in turn.
  EXPECT_NE(rows[0].observation[3], rows[1].observation[3]);
  EXPECT_NE(rows[0].action, rows[1].action);
  for (const auto& others : {Rows(4, 0, 0), Rows(3, 1, 0), Rows(3, 0, 64)}) {
    EXPECT_NE(rows[0].observation[3], others[0].observation[3]);
    EXPECT_NE(rows[0].action, others[0].action);
    EXPECT_NE(rows[20].action, others[20].action);
  }
  // Every episode of a world begins elsewhere.
  std::set<float> draws;
  for (const CollectedRow& row : rows) draws.insert(row.observation[3]);
  EXPECT_EQ(draws.size(), 1 + (rows.size() / 2 + 6) / 7);
}

TEST(RolloutLoop, AllocatesNothingInAStep) {
  if (!AllocationTrap::Works()) GTEST_SKIP() << "a sanitizer's malloc is in the way";
  // A sink that keeps nothing and allocates nothing.
  class NullSink : public RowSink {
   public:
    absl::StatusOr<bool> TryAppend(transition::BlockBuilder& rows) override {
      rows_taken += rows.rows();
      rows.Clear();
      return true;
    }
    uint64_t rows_taken = 0;
  };
  process::Metrics registry;
  ActorMetrics metrics(registry);
  PolicyInbox inbox;
  NullSink sink;
  RolloutConfig config = Config();
  config.noise_correlation = 0.5;
  config.random_steps = 1000;
  RolloutLoop loop(config, testing::ScriptedSchema(),
                   testing::ScriptedWorlds({{.id = 0, .end_step = 9, .end = End::kTruncate},
                                            {.id = 1, .end_step = 5, .end = End::kTerminate},
                                            {.id = 2}}),
                   inbox, sink, metrics);
  inbox.Put(MakeReadyPolicy(1, 3));
  // The first blocks grow the builder's memory; from then on nothing, random or not, ends included.
  std::unique_ptr<AllocationTrap> trap;
  uint64_t allocations = 1;
  const absl::Status status = loop.Run([&] {
    if (sink.rows_taken > 100 && trap == nullptr) trap = std::make_unique<AllocationTrap>();
    if (sink.rows_taken < 5000) return false;
    allocations = trap->allocations();
    trap.reset();
    return true;
  });
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(allocations, 0u);
}

TEST(RolloutLoop, CountsIntoItsMetrics) {
  RolloutHarness h(Config(), {{.id = 0, .end_step = 4, .end = End::kTerminate}});
  h.inbox.Put(MakeReadyPolicy(6, 1));
  ASSERT_TRUE(h.RunUntil(32).ok());
  std::map<std::string, double> values;
  for (const prometheus::MetricFamily& family : h.registry.Collect()) {
    for (const prometheus::ClientMetric& metric : family.metric) {
      std::string name = family.name;
      for (const auto& label : metric.label) name += "/" + label.value;
      values[name] = metric.counter.value + metric.gauge.value;
    }
  }
  EXPECT_EQ(values["estuary_actor_env_steps_total"], 32);
  EXPECT_EQ(values["estuary_actor_episodes_total/terminated"], 8);
  EXPECT_EQ(values["estuary_actor_episodes_total/truncated"], 0);
  EXPECT_EQ(values["estuary_actor_episode_return"], 1 + 2 + 3 + 4);
  EXPECT_EQ(values["estuary_actor_episode_steps"], 4);
  EXPECT_EQ(values["estuary_actor_policy_version"], 6);
  EXPECT_GT(values["estuary_actor_policy_age_seconds"], 0);
  EXPECT_EQ(values["estuary_actor_blocks_total"], 2);
}

}  // namespace
}  // namespace estuary::actor
