#include "actors/episodes.h"

#include <algorithm>
#include <cmath>

#include "common/process/status.h"

namespace estuary::actor {
namespace {

// One world's episode under way.
struct Running {
  worlds::World* world;
  worlds::Random random;
  v1::Episode episode;
  bool ended = false;
};

bool AllFinite(absl::Span<const double> values) {
  return std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
}

void Finish(const worlds::StepResult& result, bool broken, Running& running) {
  running.ended = result.terminated || result.truncated || broken;
  if (!running.ended) return;
  running.episode.set_terminated(result.terminated || broken);
  for (const auto& [name, value] : running.world->EpisodeFigures()) {
    if (std::isfinite(value)) (*running.episode.mutable_figures())[name] = value;
  }
  if (broken) (*running.episode.mutable_figures())["diverged"] = 1;
}

// A wave of episodes, one a world, until the last has ended.
absl::Status RunWave(const policy::Policy& policy, std::vector<Running>& wave,
                     const std::function<bool()>& stop) {
  const int observation_dim = policy.observation_dim();
  const int action_dim = policy.action_dim();
  const int worlds = static_cast<int>(wave.size());
  policy::Policy::Workspace workspace(policy, worlds);
  std::vector<double> observation(observation_dim);
  std::vector<double> action(action_dim);
  std::vector<float> observations(static_cast<size_t>(worlds) * observation_dim);
  std::vector<float> actions(static_cast<size_t>(worlds) * action_dim);
  for (int w = 0; w < worlds; ++w) {
    wave[w].world->Reset(worlds::EpisodeKind::kEvaluation, wave[w].random,
                         absl::MakeSpan(observation));
    std::copy(observation.begin(), observation.end(), &observations[w * observation_dim]);
  }
  for (int running = worlds; running > 0;) {
    if (stop()) return absl::CancelledError("stopped in the middle of an evaluation");
    policy.Act(observations, worlds, workspace, absl::MakeSpan(actions));
    for (int w = 0; w < worlds; ++w) {
      if (wave[w].ended) continue;
      std::copy_n(&actions[w * action_dim], action_dim, action.begin());
      const worlds::StepResult result =
          wave[w].world->Step(action, wave[w].random, absl::MakeSpan(observation));
      const bool broken =
          result.diverged || !AllFinite(observation) || !std::isfinite(result.reward);
      if (!broken) {
        wave[w].episode.set_episode_return(wave[w].episode.episode_return() + result.reward);
      }
      wave[w].episode.set_steps(wave[w].episode.steps() + 1);
      std::copy(observation.begin(), observation.end(), &observations[w * observation_dim]);
      Finish(result, broken, wave[w]);
      if (wave[w].ended) --running;
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<v1::Episode>> RunEpisodes(
    const policy::Policy& policy, const std::vector<std::unique_ptr<worlds::World>>& worlds,
    int count, uint64_t seed, const std::function<bool()>& stop) {
  std::vector<v1::Episode> episodes;
  while (static_cast<int>(episodes.size()) < count) {
    std::vector<Running> wave;
    for (size_t w = 0; w < worlds.size() && static_cast<int>(episodes.size() + w) < count; ++w) {
      wave.push_back({.world = worlds[w].get(),
                      .random = worlds::Random(seed, episodes.size() + w),
                      .episode = {}});
    }
    ESTUARY_RETURN_IF_ERROR(RunWave(policy, wave, stop));
    for (Running& running : wave) episodes.push_back(std::move(running.episode));
  }
  return episodes;
}

}  // namespace estuary::actor
