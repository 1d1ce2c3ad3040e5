// Tasks that the build does not know: shared libraries, each made of one task's folder by
// scripts/build_task. $ESTUARY_TASK_LIBRARY names them; every process that makes worlds loads them
// when it first looks for a task, and finds them by name like its own.
//
// A library is code of whoever started the process: nothing that comes over a network names one.
//
// Trap: it shares classes with the process that loads it, so both must be built from the same
// headers. They are compared by a hash; a library of other headers is refused.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "worlds/task.h"

namespace estuary::worlds {

// A model's path as CompileModel is given it, "tasks/cart_pole/cart_pole.xml", and its text.
struct LibraryModel {
  const char* path;
  const char* text;
};

// What a library defines, extern "C", as estuary_task_library.
struct TaskLibrary {
  // What scripts/task_interface printed for the headers it was built from, and mj_version().
  const char* interface_hash;
  int mujoco;
  const Task& (*task)();
  const LibraryModel* models;
  int model_count;
};

// Loads the libraries at `paths`, separated by colons. FAILED_PRECONDITION says why one cannot be
// used and how to build it again.
absl::StatusOr<std::vector<const TaskLibrary*>> LoadTaskLibraries(absl::string_view paths);

}  // namespace estuary::worlds
