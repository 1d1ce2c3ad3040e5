// Owned MuJoCo models and data, and how an embedded MJCF becomes a model.
#pragma once

#include <mujoco/mujoco.h>

#include <memory>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace estuary::worlds {

struct ModelDeleter {
  void operator()(mjModel* model) const { mj_deleteModel(model); }
};
struct DataDeleter {
  void operator()(mjData* data) const { mj_deleteData(data); }
};
using ModelPtr = std::unique_ptr<mjModel, ModelDeleter>;
using DataPtr = std::unique_ptr<mjData, DataDeleter>;

// Compiles worlds/<mjcf_path>; `edit` may change the parsed model first, so that what the compiler
// derives (masses, inertias) follows. From then on MuJoCo's warnings are counted, not printed.
absl::StatusOr<ModelPtr> CompileModel(
    absl::string_view mjcf_path,
    absl::FunctionRef<absl::Status(mjSpec&)> edit = [](mjSpec&) { return absl::OkStatus(); });

}  // namespace estuary::worlds
