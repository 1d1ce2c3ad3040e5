// The graph engine's step on this machine's processor, one thread.
#pragma once

#include <memory>

#include "learner/core/cuda/backend.h"

namespace estuary::learner::cuda {

enum class HostTile { kSmall, kMedium, kLarge };

// Products in tiles of `tile`, as a GPU would choose for few, more or many of them.
std::unique_ptr<Backend> MakeHostBackend(HostTile tile = HostTile::kSmall);

}  // namespace estuary::learner::cuda
