// How one world is made to differ from reality, by an experiment's gap: edits of its MuJoCo model,
// and what happens to actions on their way to the motors and to observations on their way back.
//
// Terms. An edit's *number* is the scale, deviation, delay, ... that it says. An edit with a range
// (domain randomisation) has it *drawn*: once for the world's actor, or anew at each episode. The
// numbers in force are the label of the episode's rows.
//
// Threads: a gap belongs to its world.
#pragma once

#include <mujoco/mujoco.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "estuary/v1/experiment.pb.h"
#include "worlds/mujoco/model_edit.h"
#include "worlds/random.h"
#include "worlds/world.h"

namespace estuary::worlds {

class WorldGap {
 public:
  // One that changes nothing.
  WorldGap() = default;
  // Checks the edits and finds what they edit in `model`, which outlives the gap and is not changed
  // yet. `seed` is what is drawn once comes from. INVALID_ARGUMENT or NOT_FOUND says which edit
  // does not fit and what would.
  static absl::StatusOr<WorldGap> Make(const v1::Gap& gap, const TaskSpec& spec, uint64_t seed,
                                       mjModel& model);

  // Whether a model field has another number in each episode.
  bool RedrawsModel() const;
  bool EditsModel() const;
  // Of every range: until the first episode begins, the lower end is in force.
  enum class End { kLow, kHigh };
  void TakeEnd(End end);

  // Draws the numbers of a new episode. `random` is not touched where no edit asks for it.
  void Draw(Random& random);
  // Edits the model by the numbers in force; it must be as it was at Make.
  void EditModel() const;

  // An episode begins: no action is under way.
  void BeginEpisode() { step_ = 0; }
  // Disturbs an action [action_dim] in place; `speed` is the model's x velocity. No allocation.
  void DisturbAction(double speed, Random& random, absl::Span<double> action);
  // Disturbs an observation [observation_dim] in place. No allocation.
  void DisturbObservation(Random& random, absl::Span<double> observation) const;

  // The numbers in force, one an edit.
  absl::Span<const float> numbers() const { return numbers_; }

 private:
  struct Edit {
    v1::GapEdit::KindCase kind;
    // The number is in [low, high].
    double low;
    double high;
    bool drawn_each_episode = false;
    double number = 0;
    std::optional<ModelEdit> model = std::nullopt;
    // Of the observation.
    std::vector<int> dimensions = {};
    // The newest actions, of step t at t modulo their count.
    std::vector<double> delayed = {};
  };

  static absl::StatusOr<Edit> MakeEdit(const v1::GapEdit& proto, const TaskSpec& spec,
                                       mjModel& model);
  static double Draw(const Edit& edit, Random& random);
  void SetNumber(size_t edit, double number);
  void Delay(Edit& edit, absl::Span<double> action) const;

  std::vector<Edit> edits_;
  std::vector<float> numbers_;
  int64_t step_ = 0;
};

}  // namespace estuary::worlds
