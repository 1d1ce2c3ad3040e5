#include "worlds/dataset/columns.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/hdf5/file.h"

namespace estuary::worlds {
namespace {

absl::Status WriteColumns(hdf5::File& file, const DatasetColumns& columns,
                          const DatasetOrigin& origin) {
  const uint64_t n = columns.size();
  const uint64_t obs = columns.observation_dim;
  const uint64_t act = columns.action_dim;
  absl::Status status;
  status.Update(file.Write<float>("/observations", {n, obs}, columns.observation));
  status.Update(file.Write<float>("/actions", {n, act}, columns.action));
  status.Update(file.Write<float>("/rewards", {n}, columns.reward));
  status.Update(file.Write<float>("/next_observations", {n, obs}, columns.next_observation));
  status.Update(file.Write<uint8_t>("/terminals", {n}, columns.terminal));
  status.Update(file.Write<uint8_t>("/timeouts", {n}, columns.timeout));
  status.Update(file.SetAttribute("/", "task", origin.task));
  status.Update(file.SetAttribute("/", "seed", origin.seed));
  status.Update(file.SetAttribute("/", "generator", origin.generator));
  return status;
}

}  // namespace

absl::Status WriteD4rl(const std::string& path, const DatasetColumns& columns,
                       const DatasetOrigin& origin) {
  const std::string partial = path + ".partial";
  absl::StatusOr<hdf5::File> file = hdf5::File::Create(partial);
  if (!file.ok()) return file.status();
  absl::Status status = WriteColumns(*file, columns, origin);
  status.Update(file->Close());
  if (status.ok() && std::rename(partial.c_str(), path.c_str()) != 0) {
    status = absl::UnavailableError(
        absl::StrCat("cannot rename ", partial, " to ", path, ": ", std::strerror(errno)));
  }
  if (!status.ok()) std::remove(partial.c_str());
  return status;
}

absl::StatusOr<DatasetColumns> ReadD4rl(const std::string& path) {
  const absl::StatusOr<hdf5::File> file = hdf5::File::Open(path);
  if (!file.ok()) return file.status();
  const auto shape = file->DatasetShape("/observations");
  if (!shape.ok()) return shape.status();
  if (absl::Status status = file->ExpectShape("/observations", {hdf5::kAnySize, hdf5::kAnySize});
      !status.ok()) {
    return status;
  }
  const uint64_t n = (*shape)[0];
  auto observations = file->Read<float>("/observations");
  if (!observations.ok()) return observations.status();
  auto actions = file->Read<float>("/actions", {n, hdf5::kAnySize});
  if (!actions.ok()) return actions.status();
  auto rewards = file->Read<float>("/rewards", {n});
  if (!rewards.ok()) return rewards.status();
  auto next_observations = file->Read<float>("/next_observations", {n, (*shape)[1]});
  if (!next_observations.ok()) return next_observations.status();
  auto terminals = file->Read<uint8_t>("/terminals", {n});
  if (!terminals.ok()) return terminals.status();
  DatasetColumns columns;
  columns.observation_dim = static_cast<int>((*shape)[1]);
  columns.action_dim = static_cast<int>(actions->shape[1]);
  columns.observation = std::move(observations->values);
  columns.action = std::move(actions->values);
  columns.reward = std::move(rewards->values);
  columns.next_observation = std::move(next_observations->values);
  columns.terminal = std::move(terminals->values);
  columns.timeout.resize(n);
  if (file->Exists("/timeouts")) {
    auto timeouts = file->Read<uint8_t>("/timeouts", {n});
    if (!timeouts.ok()) return timeouts.status();
    columns.timeout = std::move(timeouts->values);
  }
  return columns;
}

}  // namespace estuary::worlds
