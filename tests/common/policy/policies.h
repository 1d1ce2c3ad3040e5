// Policy versions to test with.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "estuary/v1/policy.pb.h"

namespace estuary::policy::testing {

struct PolicyShape {
  std::string task = "half_cheetah";
  std::string run_id = "test-run";
  int observation_dim = 17;
  int action_dim = 6;
  std::vector<int> hidden = {256, 256};
  uint64_t version = 1;
  uint64_t seed = 1;
};

// Random weights of a usual size, random observation mean and scale, a true test vector; sealed.
v1::PolicyVersion MakePolicyVersion(const PolicyShape& shape);

// What the version says to do at an observation, by plain loops in double precision.
struct Expected {
  std::vector<double> mean;
  std::vector<double> log_std;
};
Expected ActSlowly(const v1::PolicyVersion& version, const std::vector<float>& observation);

// float32 bytes as the protos hold them.
std::string ToBytes(const std::vector<float>& values);
std::vector<float> FromBytes(const std::string& bytes);

}  // namespace estuary::policy::testing
