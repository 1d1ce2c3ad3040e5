// A policy in a quarter of the bytes, for those that are kept in a repository: its weights rounded
// to bfloat16, the upper half of a float32. What is lost (three significant digits remain) is far
// below the noise that a stochastic policy acts with; the rounded policy is a policy of its own.
#pragma once

#include "estuary/v1/policy.pb.h"

namespace estuary::policy {

// The same version with its weights and biases rounded, their test action, and sealed. The
// version's shapes have been checked.
v1::PolicyVersion RoundToBfloat16(v1::PolicyVersion version);

}  // namespace estuary::policy
