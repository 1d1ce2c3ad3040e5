#include "learner/core/engine.h"

namespace estuary::learner {

absl::StatusOr<std::unique_ptr<Engine>> MakeEngine(EngineKind kind, const EngineOptions& options) {
  const bool native_computes =
      options.device == Device::kCpu && options.precision == Precision::kFloat32;
  if (kind == EngineKind::kNative || (kind == EngineKind::kAuto && native_computes)) {
    return MakeNativeEngine(options);
  }
  return MakeEagerEngine(options);
}

}  // namespace estuary::learner
