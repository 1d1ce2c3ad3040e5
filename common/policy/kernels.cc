#include "common/policy/kernels.h"

namespace estuary::policy {

extern const Kernel kGenericKernel;

#if defined(__x86_64__)
extern const Kernel kAvx2Kernel;
extern const Kernel kAvx512Kernel;

std::vector<const Kernel*> UsableKernels() {
  std::vector<const Kernel*> kernels = {&kGenericKernel};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    kernels.push_back(&kAvx2Kernel);
    if (__builtin_cpu_supports("avx512f")) kernels.push_back(&kAvx512Kernel);
  }
  return kernels;
}
#else
std::vector<const Kernel*> UsableKernels() { return {&kGenericKernel}; }
#endif

const Kernel& BestKernel() {
  static const Kernel* const best = UsableKernels().back();
  return *best;
}

}  // namespace estuary::policy
