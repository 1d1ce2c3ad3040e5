#include "actors/episodes.h"

#include <gtest/gtest.h>

#include "tests/actors/rollout_harness.h"
#include "tests/actors/scripted_world.h"

namespace estuary::actor {
namespace {

using testing::MakeReadyPolicy;
using testing::ScriptedWorld;
using testing::ScriptedWorlds;
using End = ScriptedWorld::End;

bool Never() { return false; }

TEST(Episodes, RunToTheirEndAndAreSummedUp) {
  const auto worlds = ScriptedWorlds({{.id = 0, .end_step = 10, .end = End::kTruncate},
                                      {.id = 0, .end_step = 4, .end = End::kTerminate}});
  const ReadyPolicy ready = MakeReadyPolicy(1, 1);
  const auto episodes = RunEpisodes(*ready.policy, worlds, 5, 1, Never);
  ASSERT_TRUE(episodes.ok()) << episodes.status();
  ASSERT_EQ(episodes->size(), 5u);
  for (size_t i = 0; i < 5; ++i) {
    const v1::Episode& episode = (*episodes)[i];
    const bool terminates = i % 2 == 1;
    EXPECT_EQ(episode.steps(), terminates ? 4u : 10u);
    EXPECT_EQ(episode.episode_return(), terminates ? 10 : 55);
    EXPECT_EQ(episode.terminated(), terminates);
    EXPECT_EQ(episode.figures().at("steps"), terminates ? 4 : 10);
  }
  EXPECT_EQ(static_cast<const ScriptedWorld&>(*worlds[0]).kind(), worlds::EpisodeKind::kEvaluation);
}

TEST(Episodes, AreDeterministic) {
  const ReadyPolicy ready = MakeReadyPolicy(1, 1);
  const auto run = [&](uint64_t seed, int worlds) {
    std::vector<ScriptedWorld::Script> scripts(
        worlds, ScriptedWorld::Script{.id = 0, .end_step = 20, .end = End::kTruncate});
    const auto episodes = RunEpisodes(*ready.policy, ScriptedWorlds(scripts), 4, seed, Never);
    return (*episodes)[3].figures().at("action_sum");
  };
  EXPECT_EQ(run(1, 4), run(1, 4));
  EXPECT_NE(run(1, 4), run(2, 4));
}

TEST(Episodes, EndWhereTheSimulationDiverges) {
  for (const End end : {End::kDiverge, End::kNan}) {
    const auto worlds = ScriptedWorlds({{.id = 0, .end_step = 4, .end = end}});
    const ReadyPolicy ready = MakeReadyPolicy(1, 1);
    const auto episodes = RunEpisodes(*ready.policy, worlds, 1, 1, Never);
    ASSERT_TRUE(episodes.ok());
    EXPECT_TRUE((*episodes)[0].terminated());
    EXPECT_EQ((*episodes)[0].steps(), 4u);
    EXPECT_EQ((*episodes)[0].episode_return(), 1 + 2 + 3);
    EXPECT_EQ((*episodes)[0].figures().at("diverged"), 1);
  }
}

TEST(Episodes, StopWhenAsked) {
  const auto worlds = ScriptedWorlds({{.id = 0}});
  const ReadyPolicy ready = MakeReadyPolicy(1, 1);
  int asked = 0;
  const auto episodes =
      RunEpisodes(*ready.policy, worlds, 1, 1, [&asked] { return ++asked > 100; });
  EXPECT_EQ(episodes.status().code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace estuary::actor
