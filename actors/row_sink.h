// Where a rollout's rows go: a replay shard (rollout.cc), or whatever a test wants.
#pragma once

#include "absl/status/statusor.h"
#include "common/transition/block.h"

namespace estuary::actor {

class RowSink {
 public:
  virtual ~RowSink() = default;
  // Takes all rows and leaves the builder empty, with memory to be used again; or takes none and
  // returns false where there is no room now (back-pressure). Does not wait.
  virtual absl::StatusOr<bool> TryAppend(transition::BlockBuilder& rows) = 0;
};

}  // namespace estuary::actor
