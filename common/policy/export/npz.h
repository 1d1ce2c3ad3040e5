// NumPy's .npz: a zip archive of .npy arrays, each stored as it is, which numpy.load reads.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/policy/export/arrays.h"

namespace estuary::policy {

// The file's bytes. Numbers become 0-d uint64 arrays, texts 0-d arrays of Unicode.
// RESOURCE_EXHAUSTED beyond the 4 GiB that a plain zip archive holds.
absl::StatusOr<std::string> ToNpz(const PolicyArrays& policy);

}  // namespace estuary::policy
