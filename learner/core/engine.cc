#include "learner/core/engine.h"

#include <utility>

namespace estuary::learner {

absl::StatusOr<std::unique_ptr<Engine>> MakeEngine(EngineKind kind, const EngineOptions& options) {
  const bool native_computes =
      options.device == Device::kCpu && options.precision == Precision::kFloat32;
  switch (kind) {
    case EngineKind::kEager:
      return MakeEagerEngine(options);
    case EngineKind::kNative:
      return MakeNativeEngine(options);
    case EngineKind::kGraph:
      return MakeGraphEngine(options);
    case EngineKind::kAuto:
      break;
  }
  if (native_computes) return MakeNativeEngine(options);
  if (options.device == Device::kCpu) return MakeEagerEngine(options);
  // What the graph engine does not compute, or where its library is not built, is left to LibTorch.
  auto graph = MakeGraphEngine(options);
  const absl::StatusCode code = graph.status().code();
  const bool cannot =
      code == absl::StatusCode::kUnimplemented || code == absl::StatusCode::kFailedPrecondition;
  return cannot ? MakeEagerEngine(options) : std::move(graph);
}

}  // namespace estuary::learner
