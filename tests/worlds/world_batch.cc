#include "tests/worlds/world_batch.h"

#include <algorithm>
#include <utility>

namespace estuary::worlds {
namespace {

void CopyAsFloat(const std::vector<double>& from, float* to) {
  std::transform(from.begin(), from.end(), to, [](double x) { return static_cast<float>(x); });
}

}  // namespace

absl::StatusOr<std::unique_ptr<WorldBatch>> WorldBatch::Make(const WorldOptions& options, int size,
                                                             uint64_t seed) {
  absl::StatusOr<std::vector<std::unique_ptr<World>>> worlds = MakeWorlds(options, size);
  if (!worlds.ok()) return worlds.status();
  std::vector<Slot> slots;
  for (int i = 0; i < size; ++i) {
    slots.push_back({std::move((*worlds)[i]), Random(seed, /*stream=*/i)});
  }
  return std::unique_ptr<WorldBatch>(new WorldBatch(std::move(slots)));
}

WorldBatch::WorldBatch(std::vector<Slot> slots)
    : slots_(std::move(slots)), action_(spec().action_dim), observation_(spec().observation_dim) {}

void WorldBatch::Reset(int i, EpisodeKind kind, absl::Span<float> observation) {
  slots_[i].world->Reset(kind, slots_[i].random, absl::MakeSpan(observation_));
  CopyAsFloat(observation_, observation.data());
}

void WorldBatch::Step(absl::Span<const float> actions, absl::Span<float> next_observations,
                      absl::Span<StepResult> results) {
  const float* action = actions.data();
  float* next_observation = next_observations.data();
  for (size_t i = 0; i < slots_.size(); ++i) {
    std::copy_n(action, action_.size(), action_.begin());
    results[i] = slots_[i].world->Step(action_, slots_[i].random, absl::MakeSpan(observation_));
    CopyAsFloat(observation_, next_observation);
    action += action_.size();
    next_observation += observation_.size();
  }
}

}  // namespace estuary::worlds
