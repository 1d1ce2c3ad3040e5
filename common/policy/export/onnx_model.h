// A policy version as an ONNX model, for runtimes and languages that know nothing of us.
//
// Input "observation" [batch, observation_dim], as the task gives it: shift, scale and every layer
// are in the graph. Outputs "action" = tanh(mean), which is what an evaluated policy does, and
// "mean" and "log_std" of the Gaussian before the tanh, for those who sample: tanh(mean +
// exp(log_std) * noise). All float32. The version's origin is in the model's metadata.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "estuary/v1/policy.pb.h"

namespace estuary::policy {

// The file's bytes. INVALID_ARGUMENT as CheckPolicyVersion says.
absl::StatusOr<std::string> ToOnnx(const v1::PolicyVersion& version);

}  // namespace estuary::policy
