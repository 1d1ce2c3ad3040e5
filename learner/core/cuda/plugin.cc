#include "learner/core/cuda/plugin.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"

namespace estuary::learner::cuda {
namespace {

constexpr char kLibrary[] = "libestuary_cuda.so";

std::vector<std::string> Places() {
  if (const char* named = std::getenv("ESTUARY_CUDA_LIBRARY"); named != nullptr) return {named};
  std::vector<std::string> places;
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) {
    places.push_back(self.parent_path() / kLibrary);
    places.push_back(self.parent_path().parent_path() / "lib" / kLibrary);
  }
  // Last, so that its error is the one to be told: it lists no path that is not there.
  places.push_back(kLibrary);
  return places;
}

absl::StatusOr<OpenBackend> FindOpener() {
  std::string reason;
  for (const std::string& place : Places()) {
    void* library = dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      const char* told = dlerror();
      reason = told == nullptr ? place : told;
      continue;
    }
    void* symbol = dlsym(library, kBackendSymbol);
    if (symbol != nullptr) return reinterpret_cast<OpenBackend>(symbol);
    reason = absl::StrCat(place, " is not of this project: it has no ", kBackendSymbol);
  }
  return absl::FailedPreconditionError(
      absl::StrCat("engine CUDA_GRAPH cannot be used here: its library does not load (", reason,
                   "); build with the CUDA toolkit (ESTUARY_CUDA=ON), or choose another engine"));
}

}  // namespace

absl::StatusOr<std::shared_ptr<Backend>> OpenCudaBackend() {
  const auto open = FindOpener();
  if (!open.ok()) return open.status();
  char error[512] = "";
  Backend* backend = (*open)(kBackendVersion, error, sizeof(error));
  if (backend == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat("engine CUDA_GRAPH cannot be used here: ", error, "; set device to CPU"));
  }
  return std::shared_ptr<Backend>(backend);
}

}  // namespace estuary::learner::cuda
