// N worlds of one task that share a simulator (MakeWorlds) stepped together by one thread: the
// simplest loop there can be, so that tests see what sharing does and benchmarks what a step costs.
//
// World i draws from its own stream of random numbers, so what it does depends on the seed, i and
// its actions alone, not on how many worlds there are. A world whose episode ended goes on until
// Reset(i): the observation after a step is always s'.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "worlds/random.h"
#include "worlds/world.h"

namespace estuary::worlds {

// Not thread-safe. Observations and actions are float32, as they are recorded.
class WorldBatch {
 public:
  static absl::StatusOr<std::unique_ptr<WorldBatch>> Make(const WorldOptions& options, int size,
                                                          uint64_t seed);

  const TaskSpec& spec() const { return slots_.front().world->spec(); }
  int size() const { return static_cast<int>(slots_.size()); }

  // Starts an episode of world i; writes [observation_dim].
  void Reset(int i, EpisodeKind kind, absl::Span<float> observation);

  // actions [size, action_dim] -> next_observations [size, observation_dim], results [size].
  void Step(absl::Span<const float> actions, absl::Span<float> next_observations,
            absl::Span<StepResult> results);

  const World& world(int i) const { return *slots_[i].world; }

 private:
  struct Slot {
    std::unique_ptr<World> world;
    Random random;
  };

  explicit WorldBatch(std::vector<Slot> slots);

  std::vector<Slot> slots_;
  std::vector<double> action_;
  std::vector<double> observation_;
};

}  // namespace estuary::worlds
