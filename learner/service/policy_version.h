// From the engine's weights to the message that everybody else acts by.
#pragma once

#include <cstdint>
#include <string>

#include "estuary/v1/policy.pb.h"
#include "learner/core/engine.h"

namespace estuary::learner {

struct PolicyOrigin {
  uint64_t version = 0;
  std::string run_id;
  std::string task;
  uint64_t environment_steps = 0;
};

// With its test vector, computed here in double from the weights, and sealed.
v1::PolicyVersion MakePolicyVersion(const PolicyWeights& weights, const PolicyOrigin& origin);

}  // namespace estuary::learner
