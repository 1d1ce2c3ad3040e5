// The list of tasks that the build found in worlds/tasks/; registry_tasks.cc is generated from it.
#pragma once

#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "worlds/task.h"

namespace estuary::worlds {

// Sorted by name.
const std::vector<const Task*>& RegisteredTasks();

// Path in worlds/ ("tasks/walker2d/walker2d.xml") and text.
const std::vector<std::pair<absl::string_view, absl::string_view>>& EmbeddedMjcfFiles();

}  // namespace estuary::worlds
