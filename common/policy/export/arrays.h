// A policy version as named arrays, for people and for other programs: what the exports to NumPy
// and HDF5 write.
//
// Names are those of an update trace: "policy/0/weight" [out, in], "policy/0/bias" [out],
// "policy/log_std_multiplier" and so on; beside them "observation_mean" and "observation_scale".
// The arithmetic is policy.proto's.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "estuary/v1/policy.pb.h"

namespace estuary::policy {

struct NamedArray {
  std::string name;
  // {} is a scalar.
  std::vector<uint64_t> shape;
  // C order.
  std::vector<float> values;
};

struct PolicyArrays {
  std::vector<NamedArray> arrays;
  // Where it comes from: "version", "gradient_steps", "environment_steps".
  std::map<std::string, uint64_t> numbers;
  // "task", "run_id", "sha256".
  std::map<std::string, std::string> texts;
};

// INVALID_ARGUMENT as CheckPolicyVersion says.
absl::StatusOr<PolicyArrays> ToArrays(const v1::PolicyVersion& version);

}  // namespace estuary::policy
