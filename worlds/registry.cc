#include "worlds/registry.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "worlds/mujoco/mjcf.h"

namespace estuary::worlds {

absl::StatusOr<std::unique_ptr<OperatorSession>> Task::MakeOperatorSession() const {
  return absl::UnimplementedError(
      absl::StrCat("task ", spec().name, " has no operator who would record data"));
}

absl::StatusOr<const Task*> FindTaskByName(const std::string& task) {
  for (const Task* candidate : RegisteredTasks()) {
    if (candidate->spec().name == task) return candidate;
  }
  return absl::NotFoundError(
      absl::StrCat("there is no task '", task, "'; there are: ", absl::StrJoin(TaskNames(), ", ")));
}

absl::StatusOr<std::vector<std::unique_ptr<World>>> MakeWorlds(const WorldOptions& options,
                                                               int count) {
  const absl::StatusOr<const Task*> task = FindTaskByName(options.task);
  if (!task.ok()) return task.status();
  if (count < 1) {
    return absl::InvalidArgumentError(absl::StrCat("cannot make ", count, " worlds"));
  }
  return (*task)->MakeWorlds(options, count);
}

absl::StatusOr<std::unique_ptr<World>> MakeWorld(const WorldOptions& options) {
  absl::StatusOr<std::vector<std::unique_ptr<World>>> worlds = MakeWorlds(options, 1);
  if (!worlds.ok()) return worlds.status();
  return std::move(worlds->front());
}

absl::StatusOr<TaskSpec> FindTask(const std::string& task) {
  const absl::StatusOr<const Task*> found = FindTaskByName(task);
  if (!found.ok()) return found.status();
  return (*found)->spec();
}

std::vector<std::string> TaskNames() {
  std::vector<std::string> names;
  for (const Task* task : RegisteredTasks()) names.push_back(task->spec().name);
  return names;
}

absl::StatusOr<absl::string_view> EmbeddedMjcf(absl::string_view path) {
  for (const auto& [known, text] : EmbeddedMjcfFiles()) {
    if (known == path) return text;
  }
  return absl::NotFoundError(absl::StrCat("there is no model worlds/", path));
}

}  // namespace estuary::worlds
