// One edit of a MuJoCo model by an experiment: numbers of one field, scaled, set or shifted.
#pragma once

#include <mujoco/mujoco.h>

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "estuary/v1/experiment.pb.h"

namespace estuary::worlds {

class ModelEdit {
 public:
  // Finds the numbers to edit in `model`, which outlives the edit. NOT_FOUND or INVALID_ARGUMENT
  // says what does not fit and what would.
  static absl::StatusOr<ModelEdit> Find(const v1::ModelFieldEdit& edit, mjModel& model);

  // Scales by, sets to or adds `number`. What MuJoCo derives from the field does not follow:
  // mj_setConst.
  void Apply(double number) const;

 private:
  explicit ModelEdit(v1::ModelFieldEdit::EditCase kind) : kind_(kind) {}

  v1::ModelFieldEdit::EditCase kind_;
  std::vector<mjtNum*> doubles_;
  std::vector<float*> floats_;
};

// The number that the edit says.
double NumberOfModelEdit(const v1::ModelFieldEdit& edit);

// INVALID_ARGUMENT where edits made numbers of `edited` negative, or a moving body without mass,
// that MuJoCo's compiler would have refused; a simulation would only diverge by them. `original` is
// the model before.
absl::Status CheckEdited(mjModel& original, mjModel& edited);

}  // namespace estuary::worlds
