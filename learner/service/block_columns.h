// Rows of a block as the core's columns.
#pragma once

#include <cstdint>
#include <vector>

#include "common/transition/schema.h"
#include "estuary/v1/transition.pb.h"
#include "learner/core/replay/device_replay.h"

namespace estuary::learner {

// Rows [from, from + count). `terminal` is scratch for the flags; it and the block outlive the
// columns.
TransitionColumns BlockColumns(const transition::Schema& schema, const v1::TransitionBlock& block,
                               uint64_t from, uint64_t count, std::vector<float>* terminal);

}  // namespace estuary::learner
