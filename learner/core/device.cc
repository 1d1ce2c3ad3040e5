#include "learner/core/device.h"

#include <ATen/Context.h>
#include <dlfcn.h>

#include <exception>

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

Device BestDevice() { return OpenCuda().ok() ? Device::kCuda : Device::kCpu; }

}  // namespace estuary::learner
