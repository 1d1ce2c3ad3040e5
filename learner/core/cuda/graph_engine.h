// The CUDA graph engine: whole gradient steps recorded once and replayed on a GPU with no work of
// the host's between. MakeGraphEngine and MakeSeedEngines (learner/core/engine.h) choose the
// backend; the functions
// here take one, for tests, and an arithmetic: agreement with the other engines is promised of
// kPlain and kTensor3 alone.
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
    const std::vector<SeedOptions>& seeds, Arithmetic arithmetic = Arithmetic::kPlain);
absl::StatusOr<std::unique_ptr<Engine>> MakeGraphEngineOn(
    std::shared_ptr<Backend> backend, const EngineOptions& options,
    Arithmetic arithmetic = Arithmetic::kPlain);

}  // namespace estuary::learner::cuda
