#include "worlds/mujoco/model_edit.h"

#include <numeric>
#include <string>

#include "absl/strings/str_cat.h"
#include "worlds/mujoco/model_fields.h"

namespace estuary::worlds {
namespace {

absl::StatusOr<std::vector<int>> RowsOf(const v1::ModelFieldEdit& edit, const ModelField& field,
                                        const mjModel& model) {
  std::vector<int> rows;
  if (edit.names().empty()) {
    rows.resize(field.rows);
    std::iota(rows.begin(), rows.end(), 0);
  }
  for (const std::string& name : edit.names()) {
    const absl::StatusOr<std::vector<int>> named = FindModelRows(model, edit.field(), name);
    if (!named.ok()) return named.status();
    rows.insert(rows.end(), named->begin(), named->end());
  }
  return rows;
}

absl::StatusOr<std::vector<int>> ColumnsOf(const v1::ModelFieldEdit& edit,
                                           const ModelField& field) {
  std::vector<int> columns(edit.elements().begin(), edit.elements().end());
  if (columns.empty()) {
    columns.resize(field.columns);
    std::iota(columns.begin(), columns.end(), 0);
  }
  for (const uint32_t element : edit.elements()) {
    if (element < static_cast<uint32_t>(field.columns)) continue;
    return absl::InvalidArgumentError(absl::StrCat("the field '", edit.field(), "' has no element ",
                                                   element, "; a row of it has elements 0 to ",
                                                   field.columns - 1));
  }
  return columns;
}

double ValueAt(const ModelField& field, int i) {
  return field.doubles != nullptr ? field.doubles[i] : field.floats[i];
}

}  // namespace

double NumberOfModelEdit(const v1::ModelFieldEdit& edit) {
  switch (edit.edit_case()) {
    case v1::ModelFieldEdit::kScale:
      return edit.scale();
    case v1::ModelFieldEdit::kSet:
      return edit.set();
    case v1::ModelFieldEdit::kAdd:
      return edit.add();
    case v1::ModelFieldEdit::EDIT_NOT_SET:
      break;
  }
  return 0;
}

absl::StatusOr<ModelEdit> ModelEdit::Find(const v1::ModelFieldEdit& edit, mjModel& model) {
  if (edit.edit_case() == v1::ModelFieldEdit::EDIT_NOT_SET) {
    return absl::InvalidArgumentError(
        absl::StrCat("the edit of '", edit.field(), "' says neither scale nor set nor add"));
  }
  if (edit.field() == "opt.timestep") {
    return absl::InvalidArgumentError(
        "opt.timestep cannot be edited: the task's control period would change with it");
  }
  const absl::StatusOr<ModelField> field = FindModelField(model, edit.field());
  if (!field.ok()) return field.status();
  const absl::StatusOr<std::vector<int>> rows = RowsOf(edit, *field, model);
  if (!rows.ok()) return rows.status();
  if (rows->empty() || field->columns == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("the field '", edit.field(), "' is empty in this model"));
  }
  const absl::StatusOr<std::vector<int>> columns = ColumnsOf(edit, *field);
  if (!columns.ok()) return columns.status();
  ModelEdit found(edit.edit_case());
  for (const int row : *rows) {
    for (const int column : *columns) {
      const int i = row * field->columns + column;
      if (field->doubles != nullptr) {
        found.doubles_.push_back(field->doubles + i);
      } else {
        found.floats_.push_back(field->floats + i);
      }
    }
  }
  return found;
}

void ModelEdit::Apply(double number) const {
  const auto edited = [this, number](double value) {
    if (kind_ == v1::ModelFieldEdit::kSet) return number;
    return kind_ == v1::ModelFieldEdit::kScale ? value * number : value + number;
  };
  for (mjtNum* value : doubles_) *value = edited(*value);
  for (float* value : floats_) *value = static_cast<float>(edited(*value));
}

absl::Status CheckEdited(mjModel& original, mjModel& edited) {
  for (int body = 1; body < edited.nbody; ++body) {
    const mjtNum* const inertia = edited.body_inertia + 3 * body;
    const bool moves = edited.body_dofnum[body] > 0;
    if (!moves || (edited.body_mass[body] > mjMINVAL && inertia[0] > mjMINVAL &&
                   inertia[1] > mjMINVAL && inertia[2] > mjMINVAL)) {
      continue;
    }
    return absl::InvalidArgumentError(
        absl::StrCat("the gap leaves body '", mj_id2name(&edited, mjOBJ_BODY, body),
                     "' with body_mass ", edited.body_mass[body], " and body_inertia ", inertia[0],
                     ", ", inertia[1], ", ", inertia[2], "; a body that moves has positive ones"));
  }
  for (const char* name : {"geom_friction", "geom_size", "dof_damping", "dof_armature",
                           "dof_frictionloss", "jnt_stiffness", "opt.density", "opt.viscosity"}) {
    const absl::StatusOr<ModelField> before = FindModelField(original, name);
    const absl::StatusOr<ModelField> after = FindModelField(edited, name);
    if (!before.ok()) return before.status();
    if (!after.ok()) return after.status();
    for (int i = 0; i < after->rows * after->columns; ++i) {
      if (ValueAt(*after, i) >= 0 || ValueAt(*before, i) < 0) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("the gap makes a number of ", name, " ", ValueAt(*after, i), ", which is ",
                       ValueAt(*before, i), " in the task's model; it cannot be negative"));
    }
  }
  return absl::OkStatus();
}

}  // namespace estuary::worlds
