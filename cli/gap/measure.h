// Asks every checkpoint of a run what it makes of the same transitions: some of each checkpoint's
// exploring policy in the wrong simulator, as its replay held them, and as many of the dataset.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "estuary/v1/experiment.pb.h"

namespace estuary::cli {

// Writes gap.h5 into the run's folder, unless it is there. `transitions` of each checkpoint's
// policy; the numbers are worked out by the learner's binary. `experiment` is effective. OK, with
// no file, where the algorithm does not tell the two dynamics apart.
absl::Status MeasureRunGap(const std::string& run_dir, const v1::Experiment& experiment,
                           uint64_t transitions);

}  // namespace estuary::cli
