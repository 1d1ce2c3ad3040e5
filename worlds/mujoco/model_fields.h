// Finds a field of MuJoCo's mjModel by its name in MuJoCo's own documentation, so that an
// experiment can edit any of them without a line of code here.
#pragma once

#include <mujoco/mujoco.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace estuary::worlds {

// A field of real numbers, [rows, columns]; one of the two pointers is set.
struct ModelField {
  mjtNum* doubles = nullptr;
  float* floats = nullptr;
  int rows = 0;
  int columns = 0;
};

// "geom_friction", "opt.gravity". NOT_FOUND names the fields that sound like it; INVALID_ARGUMENT
// where its numbers are integers or flags, which make up the model's structure.
absl::StatusOr<ModelField> FindModelField(mjModel& model, absl::string_view name);

// Rows of `field` that belong to the body, geom, joint or actuator of this name. INVALID_ARGUMENT
// where the field is of nothing that has names, NOT_FOUND names those there are.
absl::StatusOr<std::vector<int>> FindModelRows(const mjModel& model, absl::string_view field,
                                               const std::string& name);

}  // namespace estuary::worlds
