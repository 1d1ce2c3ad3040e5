#include "learner/service/run_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace estuary::learner {
namespace {

TEST(RunState, ComesBackFromJsonAsItWas) {
  RunState state;
  state.gradient_steps = 12'345'678'901'234;
  state.environment_steps = 77;
  state.policy_version = 3;
  state.seconds = 0.1;
  state.starved_seconds = 1e-9;
  state.real_rows_added = 17;
  state.evaluated = true;
  state.start_metrics = {{"dynamics_model/error", 0.25}, {"dynamics_model/loss", -1e-9}};
  state.real = {{"shard-a", 0, 50, 50}, {"shard-b", 0, 0, 0}};
  state.sim = {{"shard-a", 5, (uint64_t{1} << 40) + 7, 27}};
  const auto back = RunState::FromJson(state.ToJson());
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(*back, state);
}

TEST(RunState, NamesWhatIsMissing) {
  const absl::Status status = RunState::FromJson("{\"gradient_steps\": 1}").status();
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_EQ(status.message(), "it has no 'environment_steps'");
  EXPECT_TRUE(absl::IsDataLoss(RunState::FromJson("{\"gradient").status()));
  EXPECT_TRUE(absl::IsDataLoss(RunState::FromJson("[]").status()));
}

TEST(RunState, NamesWhatIsNotWhatItShouldBe) {
  nlohmann::json json = nlohmann::json::parse(RunState().ToJson());
  json["sim"] = {{{"shard_id", "a"}, {"start", 0}}};
  EXPECT_THAT(RunState::FromJson(json.dump()).status().message(),
              testing::HasSubstr("its 'sim' is [{"));
  json["sim"] = nlohmann::json::array();
  json["seconds"] = "long";
  EXPECT_EQ(RunState::FromJson(json.dump()).status().message(), "its 'seconds' is \"long\"");
}

TEST(RunState, TakesAnOlderBuildsWithoutWhatThatDidNotWrite) {
  RunState state;
  state.gradient_steps = 5;
  state.sim = {{"shard-a", 5, 7, 2}};
  nlohmann::json json = nlohmann::json::parse(state.ToJson());
  for (const char* later : {"real_rows_added", "evaluated", "start_metrics"}) json.erase(later);
  const auto back = RunState::FromJson(json.dump());
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(*back, state);
}

}  // namespace
}  // namespace estuary::learner
