// The CUDA graph engine: whole gradient steps recorded once and replayed on a GPU with no work of
// the host's between. MakeGraphEngine and MakeSeedEngines (learner/core/engine.h) choose the
// backend; the function here takes one, for tests.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "learner/core/cuda/backend.h"
#include "learner/core/engine.h"

namespace estuary::learner::cuda {

// UNIMPLEMENTED names what of `config` the engine does not compute.
absl::Status CheckSupported(const LearnerConfig& config);

absl::StatusOr<std::unique_ptr<SeedEngines>> MakeSeedEnginesOn(
    std::shared_ptr<Backend> backend, const EngineOptions& options,
    const std::vector<SeedOptions>& seeds);
absl::StatusOr<std::unique_ptr<Engine>> MakeGraphEngineOn(std::shared_ptr<Backend> backend,
                                                          const EngineOptions& options);

}  // namespace estuary::learner::cuda
