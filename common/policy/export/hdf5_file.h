// A policy version as an HDF5 file: each array a dataset, its origin as attributes of the root.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "common/policy/export/arrays.h"

namespace estuary::policy {

// Replaces a file that exists.
absl::Status WriteHdf5(const std::string& path, const PolicyArrays& policy);

}  // namespace estuary::policy
