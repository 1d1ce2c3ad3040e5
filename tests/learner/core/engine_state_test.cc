#include "learner/core/engine_state.h"

#include <gtest/gtest.h>

#include <string>

namespace estuary::learner {
namespace {

EngineState Example() {
  EngineState state;
  state.algorithm = "h2o";
  state.engine = "eager";
  state.steps_done = 12345;
  state.random_state = std::string("\0\1\2", 3);
  state.tensors["floats"] = {{2, 2}, {1, 2.5, -3, 1e-45f}};
  // Not a float32.
  state.tensors["doubles"] = {{1}, {0.1}};
  state.tensors["scalar"] = HostTensor::Scalar(7);
  state.tensors["empty"] = {{0}, {}};
  return state;
}

TEST(EngineState, SurvivesTheTripThroughBytes) {
  const auto parsed = ParseEngineState(SerializeEngineState(Example()));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(*parsed, Example());
}

TEST(EngineState, RefusesBytesCutShortAnywhere) {
  const std::string bytes = SerializeEngineState(Example());
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_EQ(ParseEngineState(bytes.substr(0, length)).status().code(),
              absl::StatusCode::kInvalidArgument)
        << length;
  }
}

TEST(EngineState, RefusesADamagedByte) {
  const std::string bytes = SerializeEngineState(Example());
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x40);
    EXPECT_FALSE(ParseEngineState(damaged).ok()) << i;
  }
}

}  // namespace
}  // namespace estuary::learner
