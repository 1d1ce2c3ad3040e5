// What a command line or a sweep sets over an experiment's file.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "estuary/v1/experiment.pb.h"

namespace estuary::cli {

// The fields that `settings` has replace those of `experiment`; lists, the gap, the dataset and the
// algorithm as a whole.
void ApplySettings(const v1::Experiment& settings, v1::Experiment* experiment);

// The same for settings as text: "budget { gradient_steps: 2000 } seed: 3".
absl::Status ApplySettingsText(const std::string& text, v1::Experiment* experiment);

}  // namespace estuary::cli
