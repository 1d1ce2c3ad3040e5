// From the experiment's message to the numerical core's structs, which know no protobuf. The two
// say the same; a field added to one must be added to the other and here (the test holds every
// field and every default against each other).
#pragma once

#include "absl/status/statusor.h"
#include "estuary/v1/experiment.pb.h"
#include "learner/core/config.h"
#include "learner/core/device.h"
#include "learner/core/engine.h"

namespace estuary::learner {

// `effective`: defaults filled in. INVALID_ARGUMENT names what does not fit the task's dimensions.
absl::StatusOr<LearnerConfig> ConfigFromExperiment(const v1::Experiment& effective,
                                                   int observation_dim, int action_dim);

// Where to compute. AUTO is a GPU where there is one, unless the nets are so small that this
// machine's processor is quicker, or the engine asked for computes there.
Device DeviceFromExperiment(const v1::Experiment& effective);
EngineKind EngineFromExperiment(const v1::Experiment& effective);

}  // namespace estuary::learner
