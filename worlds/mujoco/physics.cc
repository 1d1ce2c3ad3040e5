#include "worlds/mujoco/physics.h"

#include <utility>

#include "worlds/mujoco/model_edit.h"

namespace estuary::worlds {
namespace {

// At both ends of every range the model is one that MuJoCo would have compiled; between them, too,
// since what can be wrong grows or shrinks along a range. Says whether episodes edit the model.
absl::StatusOr<bool> CheckGap(const TaskSpec& spec, const WorldOptions& options, mjModel& model) {
  const ModelPtr edited(mj_copyModel(nullptr, &model));
  absl::StatusOr<WorldGap> gap = WorldGap::Make(options.gap, spec, options.gap_seed, *edited);
  if (!gap.ok()) return gap.status();
  for (const WorldGap::End end : {WorldGap::End::kLow, WorldGap::End::kHigh}) {
    mj_copyModel(edited.get(), &model);
    gap->TakeEnd(end);
    gap->EditModel();
    if (absl::Status checked = CheckEdited(model, *edited); !checked.ok()) return checked;
  }
  return gap->RedrawsModel();
}

absl::StatusOr<Physics> MakeOne(const TaskSpec& spec, ModelPtr model, const WorldOptions& options) {
  absl::StatusOr<WorldGap> gap = WorldGap::Make(options.gap, spec, options.gap_seed, *model);
  if (!gap.ok()) return gap.status();
  Physics physics{.simulation = std::make_shared<Simulation>(std::move(model)),
                  .gap = *std::move(gap)};
  if (physics.gap.EditsModel()) {
    physics.simulation->EditModel([&physics](mjModel&) { physics.gap.EditModel(); });
  }
  return physics;
}

}  // namespace

void Physics::BeginEpisode(Random& random) {
  gap.Draw(random);
  gap.BeginEpisode();
  if (original == nullptr) return;
  simulation->EditModel([this](mjModel& model) {
    mj_copyModel(&model, original.get());
    gap.EditModel();
  });
}

absl::StatusOr<std::vector<Physics>> MakePhysics(const TaskSpec& spec, ModelPtr model,
                                                 const WorldOptions& options, int count) {
  if (options.dynamics == Dynamics::kReal) {
    return std::vector<Physics>(count, {std::make_shared<Simulation>(std::move(model))});
  }
  const absl::StatusOr<bool> redraws = CheckGap(spec, options, *model);
  if (!redraws.ok()) return redraws.status();
  if (!*redraws) {
    const absl::StatusOr<Physics> shared = MakeOne(spec, std::move(model), options);
    if (!shared.ok()) return shared.status();
    return std::vector<Physics>(count, *shared);
  }
  const std::shared_ptr<mjModel> original(std::move(model));
  std::vector<Physics> all;
  for (int i = 0; i < count; ++i) {
    absl::StatusOr<Physics> one =
        MakeOne(spec, ModelPtr(mj_copyModel(nullptr, original.get())), options);
    if (!one.ok()) return one.status();
    one->original = original;
    all.push_back(*std::move(one));
  }
  return all;
}

}  // namespace estuary::worlds
