// A saved engine as bytes: what every engine writes and reads, so that a checkpoint does not depend
// on which engine made it, its random state apart.
//
// Little-endian. Numbers that are exactly float32 are stored as such, so a float32 engine's state
// takes half the space and nothing is ever rounded.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "learner/core/config.h"
#include "learner/core/tensor_tree.h"

namespace estuary::learner {

struct EngineState {
  // AlgorithmConfig::name.
  std::string algorithm;
  // Engine::name, whose generator `random_state` belongs to.
  std::string engine;
  uint64_t steps_done = 0;
  std::string random_state;
  TensorTree tensors;

  bool operator==(const EngineState&) const = default;
};

std::string SerializeEngineState(const EngineState& state);

// INVALID_ARGUMENT where the bytes are cut short, damaged (they carry a checksum) or of another
// version.
absl::StatusOr<EngineState> ParseEngineState(absl::string_view bytes);

// INVALID_ARGUMENT where the state is of another algorithm than the configuration's.
absl::Status CheckAlgorithm(const EngineState& state, const LearnerConfig& config);

// The seed of an engine that goes on from another engine's state after so many steps.
uint64_t SeedAfter(uint64_t seed, uint64_t steps_done);

}  // namespace estuary::learner
