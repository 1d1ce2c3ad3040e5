// Which kernels (kernel.h) there are on this processor.
#pragma once

#include <vector>

#include "common/policy/kernel.h"

namespace estuary::policy {

// The fastest that this processor runs.
const Kernel& BestKernel();
// Every one that it runs, for tests.
std::vector<const Kernel*> UsableKernels();

}  // namespace estuary::policy
