#include "worlds/registry.h"

#include <algorithm>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "worlds/mujoco/mjcf.h"
#include "worlds/task_library.h"

namespace estuary::worlds {
namespace {

using Libraries = absl::StatusOr<std::vector<const TaskLibrary*>>;

const Libraries& TaskLibraries() {
  static const Libraries& libraries = *new Libraries([] {
    const char* const paths = std::getenv("ESTUARY_TASK_LIBRARY");
    return LoadTaskLibraries(paths == nullptr ? "" : paths);
  }());
  return libraries;
}

// The build's, then those of libraries.
std::vector<const Task*> AllTasks() {
  std::vector<const Task*> tasks = RegisteredTasks();
  if (TaskLibraries().ok()) {
    for (const TaskLibrary* library : *TaskLibraries()) tasks.push_back(&library->task());
  }
  return tasks;
}

absl::Status CheckNamesDiffer(const std::vector<const Task*>& tasks, const std::string& name) {
  const auto same = [&name](const Task* task) { return task->spec().name == name; };
  if (std::count_if(tasks.begin(), tasks.end(), same) < 2) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("there is more than one task '", name,
                   "'; give the one that $ESTUARY_TASK_LIBRARY names another name"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<OperatorSession>> Task::MakeOperatorSession() const {
  return absl::UnimplementedError(
      absl::StrCat("task ", spec().name, " has no operator who would record data"));
}

absl::StatusOr<const Task*> FindTaskByName(const std::string& task) {
  if (!TaskLibraries().ok()) return TaskLibraries().status();
  const std::vector<const Task*> tasks = AllTasks();
  if (absl::Status differ = CheckNamesDiffer(tasks, task); !differ.ok()) return differ;
  for (const Task* candidate : tasks) {
    if (candidate->spec().name == task) return candidate;
  }
  return absl::NotFoundError(absl::StrCat("there is no task '", task,
                                          "'; there are: ", absl::StrJoin(TaskNames(), ", "),
                                          "; $ESTUARY_TASK_LIBRARY may name libraries of more"));
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
  for (const Task* task : AllTasks()) names.push_back(task->spec().name);
  return names;
}

absl::StatusOr<absl::string_view> EmbeddedMjcf(absl::string_view path) {
  for (const auto& [known, text] : EmbeddedMjcfFiles()) {
    if (known == path) return text;
  }
  if (!TaskLibraries().ok()) return TaskLibraries().status();
  for (const TaskLibrary* library : *TaskLibraries()) {
    for (int i = 0; i < library->model_count; ++i) {
      if (library->models[i].path == path) return absl::string_view(library->models[i].text);
    }
  }
  return absl::NotFoundError(absl::StrCat("there is no model worlds/", path));
}

}  // namespace estuary::worlds
