// How near a float32 evaluation must come to a version's test action.
#pragma once

#include <vector>

#include "estuary/v1/policy.pb.h"

namespace estuary::policy {

// For each dimension of the action: 1e-5, and more where the network's own numbers are so large
// that float32 cannot do better, whoever evaluates it (rounding errors of every sum, carried
// through the layers as independent ones); at most 1e-3. The version's shapes have been checked.
std::vector<double> TestTolerance(const v1::PolicyVersion& version);

}  // namespace estuary::policy
