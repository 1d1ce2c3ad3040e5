// An explicit batch on the device, in place of drawn numbers.
#pragma once

#include "learner/core/cuda/workspace.h"
#include "learner/core/eager/step_batch.h"

namespace estuary::learner::cuda {

// The sizes of its tensors.
BatchShape ShapeOf(const StepBatch& batch);

// Copies `batch` into `memory` and names it in `step`, whose settings are of its shape.
template <typename T>
void Give(const StepBatch& batch, Memory& memory, StepArguments<T>& step);

}  // namespace estuary::learner::cuda
