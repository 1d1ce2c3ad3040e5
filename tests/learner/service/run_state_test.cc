#include "learner/service/run_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
  state.real = {{"shard-a", 0, 50, 50}, {"shard-b", 0, 0, 0}};
  state.sim = {{"shard-a", 5, (uint64_t{1} << 40) + 7, 27}};
  const auto back = RunState::FromJson(state.ToJson());
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(*back, state);
}

TEST(RunState, NamesWhatIsMissing) {
  const absl::Status status = RunState::FromJson("{\"gradient_steps\": 1}").status();
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_THAT(status.message(), testing::HasSubstr("environment_steps"));
  EXPECT_TRUE(absl::IsDataLoss(RunState::FromJson("{\"gradient").status()));
}

}  // namespace
}  // namespace estuary::learner
