// What makes an experiment impossible.
#pragma once

#include "absl/status/status.h"
#include "estuary/v1/experiment.pb.h"

namespace estuary::experiment {

// Of an experiment whose defaults are filled in. INVALID_ARGUMENT names the field, its value, and
// the range.
absl::Status Validate(const v1::Experiment& experiment);

}  // namespace estuary::experiment
