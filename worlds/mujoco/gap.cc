#include "worlds/mujoco/gap.h"

#include <cmath>
#include <numeric>
#include <vector>

#include "absl/strings/str_cat.h"
#include "worlds/mujoco/model.h"
#include "worlds/mujoco/model_fields.h"

namespace estuary::worlds {
namespace {

absl::Status CheckNoise(double value, absl::string_view what) {
  if (std::isfinite(value) && value >= 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(what, " is ", value, "; a standard deviation is finite and not negative"));
}

absl::Status ApplyEdit(const v1::ModelFieldEdit& edit, mjModel& model) {
  if (edit.edit_case() == v1::ModelFieldEdit::EDIT_NOT_SET) {
    return absl::InvalidArgumentError(
        absl::StrCat("the edit of '", edit.field(), "' says neither scale nor set"));
  }
  const bool scales = edit.has_scale();
  const double number = scales ? edit.scale() : edit.set();
  if (!std::isfinite(number)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the edit of '", edit.field(), "' by ", number, " is not finite"));
  }
  if (edit.field() == "opt.timestep") {
    return absl::InvalidArgumentError(
        "opt.timestep cannot be edited: the task's control period would change with it");
  }
  const absl::StatusOr<ModelField> field = FindModelField(model, edit.field());
  if (!field.ok()) return field.status();
  std::vector<int> rows;
  for (const std::string& name : edit.names()) {
    const absl::StatusOr<std::vector<int>> named = FindModelRows(model, edit.field(), name);
    if (!named.ok()) return named.status();
    rows.insert(rows.end(), named->begin(), named->end());
  }
  if (edit.names().empty()) {
    rows.resize(field->rows);
    std::iota(rows.begin(), rows.end(), 0);
  }
  if (rows.empty() || field->columns == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("the field '", edit.field(), "' is empty in this model"));
  }
  for (const int row : rows) {
    for (int i = row * field->columns; i < (row + 1) * field->columns; ++i) {
      if (field->doubles != nullptr) {
        field->doubles[i] = scales ? field->doubles[i] * number : number;
      } else {
        field->floats[i] = static_cast<float>(scales ? field->floats[i] * number : number);
      }
    }
  }
  return absl::OkStatus();
}

// MuJoCo's compiler refuses these; edited in, they would only make the simulation diverge.
absl::Status CheckMasses(const mjModel& model) {
  for (int body = 1; body < model.nbody; ++body) {
    const mjtNum* const inertia = model.body_inertia + 3 * body;
    const bool moves = model.body_dofnum[body] > 0;
    if (!moves || (model.body_mass[body] > mjMINVAL && inertia[0] > mjMINVAL &&
                   inertia[1] > mjMINVAL && inertia[2] > mjMINVAL)) {
      continue;
    }
    return absl::InvalidArgumentError(
        absl::StrCat("the gap leaves body '", mj_id2name(&model, mjOBJ_BODY, body),
                     "' with body_mass ", model.body_mass[body], " and body_inertia ", inertia[0],
                     ", ", inertia[1], ", ", inertia[2], "; a body that moves has positive ones"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ActionNoise> ApplyGap(const v1::Gap& gap, mjModel& model) {
  ActionNoise noise;
  bool edited = false;
  for (const v1::GapEdit& edit : gap.edits()) {
    absl::Status status;
    switch (edit.kind_case()) {
      case v1::GapEdit::kModelField:
        status = ApplyEdit(edit.model_field(), model);
        edited = true;
        break;
      case v1::GapEdit::kActionNoise:
        status = CheckNoise(edit.action_noise(), "action_noise");
        noise.constant = std::hypot(noise.constant, edit.action_noise());
        break;
      case v1::GapEdit::kVelocityActionNoise:
        status = CheckNoise(edit.velocity_action_noise(), "velocity_action_noise");
        noise.per_speed = std::hypot(noise.per_speed, edit.velocity_action_noise());
        break;
      case v1::GapEdit::KIND_NOT_SET:
        status = absl::InvalidArgumentError("an edit of the gap says nothing");
        break;
    }
    if (!status.ok()) return status;
  }
  if (edited) {
    if (absl::Status masses = CheckMasses(model); !masses.ok()) return masses;
    const DataPtr data(mj_makeData(&model));
    mj_setConst(&model, data.get());
  }
  return noise;
}

}  // namespace estuary::worlds
