// Opens the GPU backend. It lives in libestuary_cuda.so, which one learner binary looks for at run
// time: beside itself, in ../lib, and where the system looks; ESTUARY_CUDA_LIBRARY names another
// file.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "learner/core/cuda/backend.h"

namespace estuary::learner::cuda {

// FAILED_PRECONDITION says what is missing: the library, a driver new enough, or a GPU.
absl::StatusOr<std::shared_ptr<Backend>> OpenCudaBackend();

}  // namespace estuary::learner::cuda
