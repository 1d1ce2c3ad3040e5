// One episode from reset to end under whatever decides the actions: how evaluations, datasets of a
// policy and reports run a world.
#pragma once

#include <map>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "worlds/random.h"
#include "worlds/world.h"

namespace estuary::worlds {

// Writes the action [action_dim] for an observation [observation_dim]; both float32, as policies
// are.
using ActFunction =
    absl::FunctionRef<void(absl::Span<const float> observation, absl::Span<float> action)>;

struct EpisodeStep {
  // Counted from 0.
  int step;
  absl::Span<const double> observation;
  absl::Span<const float> action;
  StepResult result;
  absl::Span<const double> next_observation;
};

// The spans live until it returns.
using RecordFunction = absl::FunctionRef<void(const EpisodeStep& step)>;

struct EpisodeResult {
  // The undiscounted return.
  double total_reward = 0;
  int steps = 0;
  // Otherwise truncated.
  bool terminated = false;
  // World::EpisodeFigures at the end.
  std::map<std::string, double> figures;
};

EpisodeResult RunEpisode(
    World& world, EpisodeKind kind, ActFunction act, Random& random,
    RecordFunction record = [](const EpisodeStep&) {});

}  // namespace estuary::worlds
