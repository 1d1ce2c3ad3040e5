#include "worlds/replay.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/hdf5/file.h"
#include "worlds/world.h"

namespace estuary::worlds {
namespace {

struct Recording {
  std::vector<double> qpos;
  std::vector<double> qvel;
  // [steps, action_dim].
  std::vector<double> action;
  uint64_t steps = 0;
};

absl::StatusOr<Recording> ReadRecording(const std::string& path, uint64_t action_dim) {
  const absl::StatusOr<hdf5::File> file = hdf5::File::Open(path);
  if (!file.ok()) return file.status();
  auto qpos = file->Read<double>("/qpos", {hdf5::kAnySize});
  if (!qpos.ok()) return qpos.status();
  auto qvel = file->Read<double>("/qvel", {hdf5::kAnySize});
  if (!qvel.ok()) return qvel.status();
  auto action = file->Read<double>("/action", {hdf5::kAnySize, action_dim});
  if (!action.ok()) return action.status();
  return Recording{std::move(qpos->values), std::move(qvel->values), std::move(action->values),
                   action->shape[0]};
}

}  // namespace

absl::Status ReplayTask(const std::string& task, const std::string& input,
                        const std::string& output) {
  absl::StatusOr<std::unique_ptr<World>> made =
      MakeWorld({.task = task, .dynamics = Dynamics::kReal});
  if (!made.ok()) return made.status();
  World& world = **made;
  const uint64_t observation_dim = world.spec().observation_dim;
  const uint64_t action_dim = world.spec().action_dim;
  const absl::StatusOr<Recording> recording = ReadRecording(input, action_dim);
  if (!recording.ok()) return recording.status();
  const uint64_t steps = recording->steps;

  std::vector<double> observation((steps + 1) * observation_dim);
  std::vector<double> reward(steps);
  std::vector<uint8_t> terminal(steps);
  const auto row = [&](uint64_t t) {
    return absl::MakeSpan(observation).subspan(t * observation_dim, observation_dim);
  };
  absl::Status status = world.SetState(recording->qpos, recording->qvel, row(0));
  if (!status.ok()) return absl::InvalidArgumentError(absl::StrCat(input, ": ", status.message()));
  Random unused(0);
  for (uint64_t t = 0; t < steps; ++t) {
    const auto action = absl::MakeConstSpan(recording->action).subspan(t * action_dim, action_dim);
    const StepResult result = world.Step(action, unused, row(t + 1));
    reward[t] = result.reward;
    terminal[t] = result.terminated;
  }

  absl::StatusOr<hdf5::File> file = hdf5::File::Create(output);
  if (!file.ok()) return file.status();
  status.Update(file->Write<double>("/observation", {steps + 1, observation_dim}, observation));
  status.Update(file->Write<double>("/reward", {steps}, reward));
  status.Update(file->Write<uint8_t>("/terminal", {steps}, terminal));
  status.Update(file->SetAttribute("/", "task", task));
  status.Update(file->Close());
  return status;
}

}  // namespace estuary::worlds
