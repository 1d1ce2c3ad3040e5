#include "learner/core/device.h"

#include <ATen/Context.h>
#include <dlfcn.h>

#include <exception>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"

namespace estuary::learner {
namespace {

absl::Status OpenCuda() {
  // Linking it would make every learner need CUDA's libraries; loading it registers its kernels.
  static void* const library = dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL);
  if (library == nullptr) {
    const char* reason = dlerror();
    return absl::FailedPreconditionError(
        absl::StrCat("device CUDA cannot be used here: LibTorch's CUDA library does not load (",
                     reason == nullptr ? "it failed before" : reason,
                     "); install the CUDA runtime it names, or set device to CPU"));
  }
  try {
    if (at::hasCUDA() && at::getNumGPUs() > 0) {
      return absl::OkStatus();
    }
  } catch (const std::exception& error) {
    return absl::FailedPreconditionError(
        absl::StrCat("device CUDA cannot be used here: ", error.what()));
  }
  return absl::FailedPreconditionError(
      "device CUDA cannot be used here: this machine has no GPU; set device to CPU");
}

}  // namespace

absl::Status OpenDevice(Device device) {
  return device == Device::kCpu ? absl::OkStatus() : OpenCuda();
}

uint64_t FreeMemory(Device device) {
  if (device == Device::kCuda) {
    // Of the CUDA runtime that LibTorch's CUDA half brought along.
    using GetInfo = int (*)(size_t * free, size_t * total);
    const auto get_info = reinterpret_cast<GetInfo>(dlsym(RTLD_DEFAULT, "cudaMemGetInfo"));
    size_t free = 0, total = 0;
    return get_info != nullptr && get_info(&free, &total) == 0 ? free : 0;
  }
  std::ifstream file("/proc/meminfo");
  std::string name, unit;
  for (uint64_t kilobytes = 0; file >> name >> kilobytes;) {
    if (name == "MemAvailable:") return 1024 * kilobytes;
    std::getline(file, unit);
  }
  return 0;
}

Device BestDevice() { return OpenCuda().ok() ? Device::kCuda : Device::kCpu; }

}  // namespace estuary::learner
