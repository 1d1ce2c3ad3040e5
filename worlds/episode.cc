#include "worlds/episode.h"

#include <utility>
#include <vector>

namespace estuary::worlds {

EpisodeResult RunEpisode(World& world, EpisodeKind kind, ActFunction act, Random& random,
                         RecordFunction record) {
  const TaskSpec& spec = world.spec();
  std::vector<double> observation(spec.observation_dim);
  std::vector<double> next_observation(spec.observation_dim);
  std::vector<float> seen(spec.observation_dim);
  std::vector<float> action(spec.action_dim);
  std::vector<double> applied(spec.action_dim);
  world.Reset(kind, random, absl::MakeSpan(observation));
  EpisodeResult episode;
  StepResult result;
  do {
    seen.assign(observation.begin(), observation.end());
    act(seen, absl::MakeSpan(action));
    applied.assign(action.begin(), action.end());
    result = world.Step(applied, random, absl::MakeSpan(next_observation));
    record({episode.steps, observation, action, result, next_observation});
    episode.total_reward += result.reward;
    ++episode.steps;
    std::swap(observation, next_observation);
  } while (!result.terminated && !result.truncated);
  episode.terminated = result.terminated;
  episode.figures = world.EpisodeFigures();
  return episode;
}

}  // namespace estuary::worlds
