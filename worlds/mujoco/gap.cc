#include "worlds/mujoco/gap.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace estuary::worlds {
namespace {

// Periods: seconds at any task's rate, and a bound on what a world remembers.
constexpr double kLongestDelay = 1000;

struct Limits {
  const char* what;
  const char* rule;
  double low;
  // Exclusive.
  double high;
};

// What an edit's number is called and may be.
Limits LimitsOf(const v1::GapEdit& edit) {
  constexpr char kDeviation[] = "a standard deviation is finite and not negative";
  switch (edit.kind_case()) {
    case v1::GapEdit::kActionNoise:
      return {"action_noise", kDeviation, 0, INFINITY};
    case v1::GapEdit::kVelocityActionNoise:
      return {"velocity_action_noise", kDeviation, 0, INFINITY};
    case v1::GapEdit::kObservationNoise:
      return {"observation_noise.std", kDeviation, 0, INFINITY};
    case v1::GapEdit::kActionDelay:
      return {"action_delay", "a delay is a whole number of control periods, 0 to 1000", 0,
              kLongestDelay + 1};
    case v1::GapEdit::kActionDeadZone:
      return {"action_dead_zone", "actions are in [-1, 1], a dead zone in [0, 1)", 0, 1};
    default:
      return {"model_field", "the number of an edit is finite", -INFINITY, INFINITY};
  }
}

double NumberOf(const v1::GapEdit& edit) {
  switch (edit.kind_case()) {
    case v1::GapEdit::kModelField:
      return NumberOfModelEdit(edit.model_field());
    case v1::GapEdit::kActionNoise:
      return edit.action_noise();
    case v1::GapEdit::kVelocityActionNoise:
      return edit.velocity_action_noise();
    case v1::GapEdit::kActionDelay:
      return edit.action_delay();
    case v1::GapEdit::kActionDeadZone:
      return edit.action_dead_zone();
    case v1::GapEdit::kObservationNoise:
      return edit.observation_noise().std();
    case v1::GapEdit::KIND_NOT_SET:
      break;
  }
  return 0;
}

absl::Status CheckNumber(const v1::GapEdit& edit, absl::string_view which, double number) {
  const Limits limits = LimitsOf(edit);
  const bool whole = edit.kind_case() != v1::GapEdit::kActionDelay || number == std::floor(number);
  if (std::isfinite(number) && number >= limits.low && number < limits.high && whole) {
    return absl::OkStatus();
  }
  const std::string what = edit.kind_case() == v1::GapEdit::kModelField
                               ? absl::StrCat("the edit of '", edit.model_field().field(), "'")
                               : limits.what;
  return absl::InvalidArgumentError(absl::StrCat(what, which, " is ", number, "; ", limits.rule));
}

absl::Status CheckRange(const v1::GapEdit& edit) {
  if (absl::Status number = CheckNumber(edit, "", NumberOf(edit)); !number.ok()) return number;
  if (!edit.has_up_to()) {
    if (edit.draw() == v1::GapEdit::DRAW_UNSPECIFIED) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("draw is ", v1::GapEdit::Draw_Name(edit.draw()), ", but there is no range to ",
                     "draw from; say up_to, its upper end, or leave draw out"));
  }
  if (absl::Status upper = CheckNumber(edit, "'s up_to", edit.up_to()); !upper.ok()) return upper;
  if (edit.up_to() < NumberOf(edit)) {
    return absl::InvalidArgumentError(absl::StrCat("up_to is ", edit.up_to(),
                                                   ", below the edit's number ", NumberOf(edit),
                                                   "; exchange the two"));
  }
  if (edit.model_field().has_scale() && edit.model_field().scale() < 0) {
    return absl::InvalidArgumentError(absl::StrCat("the scales of '", edit.model_field().field(),
                                                   "' begin at ", edit.model_field().scale(),
                                                   "; those of a range are not negative"));
  }
  if (!v1::GapEdit::Draw_IsValid(edit.draw())) {
    return absl::InvalidArgumentError(
        absl::StrCat("draw is ", edit.draw(), "; it may be EPISODE or ACTOR"));
  }
  return absl::OkStatus();
}

// Names stand before their units, "pitch (rad)".
absl::StatusOr<std::vector<int>> DimensionsOf(const v1::ObservationNoiseEdit& edit,
                                              const TaskSpec& spec) {
  std::vector<int> dimensions;
  if (edit.names().empty()) {
    dimensions.resize(spec.observation_dim);
    std::iota(dimensions.begin(), dimensions.end(), 0);
  }
  for (const std::string& name : edit.names()) {
    const auto named =
        std::find_if(spec.observation_names.begin(), spec.observation_names.end(),
                     [&name](const std::string& known) {
                       return known == name || absl::StartsWith(known, absl::StrCat(name, " ("));
                     });
    if (named == spec.observation_names.end()) {
      return absl::NotFoundError(
          absl::StrCat("task ", spec.name, " observes no '", name,
                       "'; it observes: ", absl::StrJoin(spec.observation_names, ", ")));
    }
    dimensions.push_back(static_cast<int>(named - spec.observation_names.begin()));
  }
  return dimensions;
}

void AddNoise(double deviation, Random& random, absl::Span<double> values) {
  if (deviation <= 0) return;
  for (double& value : values) value += deviation * random.Normal();
}

}  // namespace

absl::StatusOr<WorldGap::Edit> WorldGap::MakeEdit(const v1::GapEdit& proto, const TaskSpec& spec,
                                                  mjModel& model) {
  if (proto.kind_case() == v1::GapEdit::KIND_NOT_SET) {
    return absl::InvalidArgumentError("it says nothing");
  }
  if (absl::Status range = CheckRange(proto); !range.ok()) return range;
  Edit edit{.kind = proto.kind_case(), .low = NumberOf(proto), .high = NumberOf(proto)};
  if (proto.has_up_to()) edit.high = proto.up_to();
  edit.drawn_each_episode = proto.has_up_to() && proto.draw() != v1::GapEdit::ACTOR;
  if (edit.kind == v1::GapEdit::kModelField) {
    absl::StatusOr<ModelEdit> found = ModelEdit::Find(proto.model_field(), model);
    if (!found.ok()) return found.status();
    edit.model = *std::move(found);
  } else if (edit.kind == v1::GapEdit::kObservationNoise) {
    absl::StatusOr<std::vector<int>> found = DimensionsOf(proto.observation_noise(), spec);
    if (!found.ok()) return found.status();
    edit.dimensions = *std::move(found);
  } else if (edit.kind == v1::GapEdit::kActionDelay) {
    edit.delayed.resize((static_cast<size_t>(edit.high) + 1) * spec.action_dim);
  }
  return edit;
}

absl::StatusOr<WorldGap> WorldGap::Make(const v1::Gap& gap, const TaskSpec& spec, uint64_t seed,
                                        mjModel& model) {
  WorldGap made;
  for (int i = 0; i < gap.edits_size(); ++i) {
    absl::StatusOr<Edit> edit = MakeEdit(gap.edits(i), spec, model);
    if (!edit.ok()) {
      return absl::Status(edit.status().code(),
                          absl::StrCat("gap, edit ", i + 1, " of ", gap.edits_size(), ": ",
                                       edit.status().message()));
    }
    made.edits_.push_back(*std::move(edit));
    made.numbers_.push_back(0);
    // A stream for each edit: one more edit changes no other's number.
    Random random(seed, i);
    const Edit& last = made.edits_.back();
    made.SetNumber(i, last.drawn_each_episode ? last.low : Draw(last, random));
  }
  return made;
}

bool WorldGap::RedrawsModel() const {
  return std::any_of(edits_.begin(), edits_.end(), [](const Edit& edit) {
    return edit.model.has_value() && edit.drawn_each_episode;
  });
}

bool WorldGap::EditsModel() const {
  return std::any_of(edits_.begin(), edits_.end(),
                     [](const Edit& edit) { return edit.model.has_value(); });
}

void WorldGap::TakeEnd(End end) {
  for (size_t i = 0; i < edits_.size(); ++i) {
    SetNumber(i, end == End::kLow ? edits_[i].low : edits_[i].high);
  }
}

double WorldGap::Draw(const Edit& edit, Random& random) {
  if (edit.low == edit.high) return edit.low;
  if (edit.kind != v1::GapEdit::kActionDelay) return random.Uniform(edit.low, edit.high);
  return std::floor(random.Uniform(edit.low, edit.high + 1));
}

void WorldGap::SetNumber(size_t edit, double number) {
  edits_[edit].number = number;
  numbers_[edit] = static_cast<float>(number);
}

void WorldGap::Draw(Random& random) {
  for (size_t i = 0; i < edits_.size(); ++i) {
    if (edits_[i].drawn_each_episode) SetNumber(i, Draw(edits_[i], random));
  }
}

void WorldGap::EditModel() const {
  for (const Edit& edit : edits_) {
    if (edit.model.has_value()) edit.model->Apply(edit.number);
  }
}

void WorldGap::DisturbAction(double speed, Random& random, absl::Span<double> action) {
  for (Edit& edit : edits_) {
    switch (edit.kind) {
      case v1::GapEdit::kActionNoise:
        AddNoise(edit.number, random, action);
        break;
      case v1::GapEdit::kVelocityActionNoise:
        AddNoise(edit.number * std::abs(speed), random, action);
        break;
      case v1::GapEdit::kActionDelay:
        Delay(edit, action);
        break;
      case v1::GapEdit::kActionDeadZone:
        for (double& a : action) {
          a = std::copysign(std::max(std::abs(a) - edit.number, 0.0), a);
        }
        break;
      default:
        break;
    }
  }
  ++step_;
}

void WorldGap::Delay(Edit& edit, absl::Span<double> action) const {
  const auto slot = [&edit, size = action.size()](int64_t step) {
    const int64_t slots = static_cast<int64_t>(edit.delayed.size() / size);
    return edit.delayed.begin() + (step % slots) * size;
  };
  std::copy(action.begin(), action.end(), slot(step_));
  const int64_t chosen = step_ - static_cast<int64_t>(edit.number);
  if (chosen < 0) {
    std::fill(action.begin(), action.end(), 0);
  } else {
    std::copy_n(slot(chosen), action.size(), action.begin());
  }
}

void WorldGap::DisturbObservation(Random& random, absl::Span<double> observation) const {
  for (const Edit& edit : edits_) {
    if (edit.number <= 0) continue;
    for (const int i : edit.dimensions) observation[i] += edit.number * random.Normal();
  }
}

}  // namespace estuary::worlds
