// How far an actor may run ahead of the replay, and its share of the experiment's random start.
#pragma once

#include <algorithm>
#include <cstdint>

#include "estuary/v1/experiment.pb.h"

namespace estuary::actor {

// More rows in flight would let those of old policies pile up while a limiter holds them back;
// fewer would make every round trip hold up the simulators.
struct Pace {
  uint64_t buffer_rows = 0;
  uint32_t block_rows = 0;
};

// `environments` are stepped together; the experiment is effective.
inline Pace ChoosePace(const v1::Experiment& experiment, int environments) {
  constexpr uint64_t kLargestBuffer = 8192;
  const uint64_t actors = std::max<uint64_t>(1, experiment.cluster().actors());
  const uint64_t epoch = experiment.budget().environment_steps_per_epoch() / actors;
  const auto step = static_cast<uint64_t>(environments);
  const uint64_t buffer = std::max(8 * step, std::clamp<uint64_t>(epoch, 64, kLargestBuffer));
  // The last step may make a block longer by a row a world.
  return {.buffer_rows = buffer,
          .block_rows = static_cast<uint32_t>(std::clamp<uint64_t>(buffer / 4 - step, 1, 512))};
}

// Of the experiment's random steps, those of the actor with this index. An actor beyond the
// experiment's number has none.
inline uint64_t RandomShare(const v1::Experiment& experiment, int index) {
  const uint64_t total = experiment.exploration().random_steps();
  const uint64_t actors = std::max<uint64_t>(1, experiment.cluster().actors());
  const auto i = static_cast<uint64_t>(index);
  if (i >= actors) return 0;
  return total / actors + (i < total % actors ? 1 : 0);
}

// The same for a replica, which does not know how many others there are: an equal share while the
// run, with `environment_steps` behind it, is still in its random start.
inline uint64_t RandomShareOfReplica(const v1::Experiment& experiment, uint64_t environment_steps) {
  const uint64_t total = experiment.exploration().random_steps();
  const uint64_t actors = std::max<uint64_t>(1, experiment.cluster().actors());
  if (environment_steps >= total) return 0;
  return std::min((total + actors - 1) / actors, total - environment_steps);
}

}  // namespace estuary::actor
