// The algorithms by name: rows of docs/algorithms.md as choices in an Algorithm message. Adding an
// algorithm that is a new choice of what there is means adding a row here.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "estuary/v1/experiment.pb.h"

namespace estuary::experiment {

// Fills in what `algorithm.name` means, where the message itself says nothing. INVALID_ARGUMENT
// lists the names there are.
absl::Status ApplyAlgorithmName(v1::Algorithm& algorithm);

std::vector<std::string> AlgorithmNames();

}  // namespace estuary::experiment
