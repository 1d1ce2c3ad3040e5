#include "worlds/mujoco/model_fields.h"

#include <mujoco/mjxmacro.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace estuary::worlds {
namespace {

bool Fill(mjtNum* values, int rows, int columns, ModelField& field) {
  field = {.doubles = values, .rows = rows, .columns = columns};
  return true;
}
bool Fill(float* values, int rows, int columns, ModelField& field) {
  field = {.floats = values, .rows = rows, .columns = columns};
  return true;
}
template <typename Other>
bool Fill(Other*, int, int, ModelField&) {
  return false;
}

// Levenshtein's distance.
int EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<int> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 1; i <= a.size(); ++i) {
    int diagonal = std::exchange(row[0], static_cast<int>(i));
    for (size_t j = 1; j <= b.size(); ++j) {
      const int replaced = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

std::vector<std::string> EditableFields(mjModel& model) {
  std::vector<std::string> names;
  MJMODEL_POINTERS_PREAMBLE((&model));
  (void)nuser_cam, (void)nmocap;
  ModelField field;
#define X(type, name, row_count, column_count)                                  \
  if (Fill(model.name, model.row_count, column_count, field) && field.rows > 0) \
    names.push_back(#name);
  MJMODEL_POINTERS
#undef X
#define X(type, name, size) \
  if (Fill(&model.opt.name, 1, size, field)) names.push_back("opt." #name);
#define XVEC(type, name, size) \
  if (Fill(model.opt.name, 1, size, field)) names.push_back("opt." #name);
  MJOPTION_FIELDS
#undef X
#undef XVEC
  return names;
}

std::string FieldsNear(mjModel& model, absl::string_view name) {
  std::vector<std::pair<int, std::string>> ranked;
  for (std::string& field : EditableFields(model)) {
    const int distance = absl::StrContains(field, name) ? 0 : EditDistance(name, field);
    ranked.emplace_back(distance, std::move(field));
  }
  std::sort(ranked.begin(), ranked.end());
  ranked.resize(std::min<size_t>(ranked.size(), 4));
  return absl::StrJoin(ranked, ", ",
                       [](std::string* out, const auto& entry) { out->append(entry.second); });
}

}  // namespace

absl::StatusOr<ModelField> FindModelField(mjModel& model, absl::string_view name) {
  ModelField field;
  bool found = false;
  bool real = false;
  MJMODEL_POINTERS_PREAMBLE((&model));
  (void)nuser_cam, (void)nmocap;
#define X(type, candidate, row_count, column_count)                     \
  if (name == #candidate) {                                             \
    found = true;                                                       \
    real = Fill(model.candidate, model.row_count, column_count, field); \
  }
  MJMODEL_POINTERS
#undef X
#define X(type, candidate, size)                       \
  if (name == "opt." #candidate) {                     \
    found = true;                                      \
    real = Fill(&model.opt.candidate, 1, size, field); \
  }
#define XVEC(type, candidate, size)                   \
  if (name == "opt." #candidate) {                    \
    found = true;                                     \
    real = Fill(model.opt.candidate, 1, size, field); \
  }
  MJOPTION_FIELDS
#undef X
#undef XVEC
  if (!found) {
    return absl::NotFoundError(absl::StrCat("MuJoCo's mjModel has no field '", name,
                                            "'; near it: ", FieldsNear(model, name)));
  }
  if (!real) {
    return absl::InvalidArgumentError(
        absl::StrCat("mjModel's field '", name,
                     "' holds integers or flags; only fields of real numbers can be edited"));
  }
  return field;
}

absl::StatusOr<std::vector<int>> FindModelRows(const mjModel& model, absl::string_view field,
                                               const std::string& name) {
  struct Family {
    absl::string_view prefix;
    mjtObj object;
    absl::string_view what;
    mjtSize count;
  };
  const Family families[] = {{"body_", mjOBJ_BODY, "body", model.nbody},
                             {"geom_", mjOBJ_GEOM, "geom", model.ngeom},
                             {"jnt_", mjOBJ_JOINT, "joint", model.njnt},
                             {"dof_", mjOBJ_JOINT, "joint", model.njnt},
                             {"qpos", mjOBJ_JOINT, "joint", model.njnt},
                             {"actuator_", mjOBJ_ACTUATOR, "actuator", model.nu}};
  const Family* family = nullptr;
  for (const Family& candidate : families) {
    if (absl::StartsWith(field, candidate.prefix)) family = &candidate;
  }
  if (family == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("mjModel's field '", field,
                                                   "' has no rows of bodies, geoms, joints or ",
                                                   "actuators; leave names ('", name, "') out"));
  }
  const int id = mj_name2id(&model, family->object, name.c_str());
  if (id < 0) {
    std::vector<std::string> names;
    for (int i = 0; i < static_cast<int>(family->count); ++i) {
      const char* const known = mj_id2name(&model, family->object, i);
      if (known != nullptr) names.emplace_back(known);
    }
    return absl::NotFoundError(absl::StrCat("there is no ", family->what, " '", name,
                                            "' for the field '", field,
                                            "'; there are: ", absl::StrJoin(names, ", ")));
  }
  if (family->prefix != "dof_" && family->prefix != "qpos") return std::vector<int>{id};
  // A joint's rows there: one for a slide or hinge, more for a ball or free joint.
  const bool is_dof = family->prefix == "dof_";
  const int* const start = is_dof ? model.jnt_dofadr : model.jnt_qposadr;
  const int end = id + 1 < model.njnt ? start[id + 1] : (is_dof ? model.nv : model.nq);
  std::vector<int> rows(end - start[id]);
  std::iota(rows.begin(), rows.end(), start[id]);
  return rows;
}

}  // namespace estuary::worlds
