#include "worlds/task_library.h"

#include <dlfcn.h>
#include <mujoco/mujoco.h>

#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "worlds/task_interface.h"

namespace estuary::worlds {
namespace {

constexpr char kSymbol[] = "estuary_task_library";

absl::StatusOr<const TaskLibrary*> Load(const std::string& path) {
  std::error_code error;
  const std::string whole = std::filesystem::absolute(path, error).string();
  const auto unusable = [&whole](absl::string_view why) {
    return absl::FailedPreconditionError(absl::StrCat("task library '", whole, "': ", why));
  };
  if (!std::filesystem::exists(whole, error)) {
    return absl::NotFoundError(absl::StrCat("task library '", whole,
                                            "' is not there; $ESTUARY_TASK_LIBRARY names it, "
                                            "scripts/build_task FOLDER makes one"));
  }
  // Never closed: its tasks live as long as the process.
  void* const handle = dlopen(whole.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return unusable(absl::StrCat("cannot be loaded: ", dlerror()));
  const auto* library = static_cast<const TaskLibrary*>(dlsym(handle, kSymbol));
  if (library == nullptr) {
    return unusable("is no task library; scripts/build_task FOLDER makes one of a task's folder");
  }
  if (library->interface_hash != absl::string_view(kTaskInterface)) {
    return unusable(absl::StrCat("was built from headers ", library->interface_hash,
                                 ", this binary from ", kTaskInterface,
                                 "; build both again: scripts/build, then scripts/build_task"));
  }
  if (library->mujoco != mj_version()) {
    return unusable(absl::StrCat("was built for MuJoCo ", library->mujoco, ", this binary has ",
                                 mj_version(), "; build both again"));
  }
  return library;
}

}  // namespace

absl::StatusOr<std::vector<const TaskLibrary*>> LoadTaskLibraries(absl::string_view paths) {
  std::vector<const TaskLibrary*> libraries;
  for (const std::string& path :
       std::vector<std::string>(absl::StrSplit(paths, ':', absl::SkipEmpty()))) {
    const absl::StatusOr<const TaskLibrary*> library = Load(path);
    if (!library.ok()) return library.status();
    libraries.push_back(*library);
  }
  return libraries;
}

}  // namespace estuary::worlds
