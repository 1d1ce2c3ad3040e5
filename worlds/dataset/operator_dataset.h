// Offline data of a task's operator on the real dynamics: the D of the algorithms, where nobody
// recorded any on a robot.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "worlds/dataset/columns.h"

namespace estuary::worlds {

// The same seed gives the same bits. The last transition, where it is no terminal, is a timeout.
absl::StatusOr<DatasetColumns> GenerateOperatorDataset(const std::string& task,
                                                       uint64_t transitions, uint64_t seed);

}  // namespace estuary::worlds
