#include "worlds/mujoco/episode_world.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"

namespace estuary::worlds {
namespace {

int Divergences(const mjData& data) {
  return data.warning[mjWARN_BADQPOS].number + data.warning[mjWARN_BADQVEL].number +
         data.warning[mjWARN_BADQACC].number;
}

}  // namespace

EpisodeWorld::EpisodeWorld(const TaskSpec& spec, Physics physics)
    : spec_(spec),
      physics_(std::move(physics)),
      last_step_(spec.training_steps),
      action_(spec.action_dim) {}

void EpisodeWorld::Reset(EpisodeKind kind, Random& random, absl::Span<double> observation) {
  steps_ = 0;
  last_step_ = kind == EpisodeKind::kTraining ? spec_.training_steps : spec_.evaluation_steps;
  physics_.BeginEpisode(random);
  ResetState(kind, random);
  Observe(observation);
  physics_.gap.DisturbObservation(random, observation);
}

StepResult EpisodeWorld::Step(absl::Span<const double> action, Random& random,
                              absl::Span<double> next_observation) {
  const mjData& data = simulation().data();
  for (int i = 0; i < spec_.action_dim; ++i) {
    action_[i] = std::isnan(action[i]) ? 0 : std::clamp(action[i], -1.0, 1.0);
  }
  physics_.gap.DisturbAction(data.qvel[0], random, absl::MakeSpan(action_));
  const int divergences = Divergences(data);
  Outcome outcome = Advance(action_);
  // MuJoCo counts the accident and goes on from its initial state.
  const bool diverged = Divergences(data) != divergences;
  if (diverged) outcome = {.reward = 0, .terminated = true};
  Observe(next_observation);
  physics_.gap.DisturbObservation(random, next_observation);
  ++steps_;
  return {.reward = outcome.reward,
          .terminated = outcome.terminated,
          .truncated = !outcome.terminated && (outcome.truncated || steps_ >= last_step_),
          .diverged = diverged};
}

std::vector<double> EpisodeWorld::Qpos() const {
  const double* const qpos = simulation().data().qpos;
  return std::vector<double>(qpos, qpos + simulation().model().nq);
}

std::vector<double> EpisodeWorld::Qvel() const {
  const double* const qvel = simulation().data().qvel;
  return std::vector<double>(qvel, qvel + simulation().model().nv);
}

absl::Status EpisodeWorld::SetState(absl::Span<const double> qpos, absl::Span<const double> qvel,
                                    absl::Span<double> observation) {
  const mjModel& model = simulation().model();
  if (static_cast<int>(qpos.size()) != model.nq || static_cast<int>(qvel.size()) != model.nv) {
    return absl::InvalidArgumentError(absl::StrCat("task ", spec_.name, " has ", model.nq,
                                                   " positions and ", model.nv, " velocities, got ",
                                                   qpos.size(), " and ", qvel.size()));
  }
  const auto finite = [](double value) { return std::isfinite(value); };
  if (!std::all_of(qpos.begin(), qpos.end(), finite) ||
      !std::all_of(qvel.begin(), qvel.end(), finite)) {
    return absl::InvalidArgumentError(
        absl::StrCat("a state of task ", spec_.name, " holds numbers that are not finite"));
  }
  steps_ = 0;
  last_step_ = spec_.training_steps;
  physics_.gap.BeginEpisode();
  ResetTo(qpos, qvel);
  Observe(observation);
  return absl::OkStatus();
}

}  // namespace estuary::worlds
