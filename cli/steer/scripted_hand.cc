#include "cli/steer/scripted_hand.h"

#include "absl/strings/str_cat.h"
#include "cli/steer/wheel_legged.h"
#include "worlds/random.h"
#include "worlds/wheel_legged/controllers.h"

namespace estuary::cli {
namespace {

class ScriptedHand final : public Hand {
 public:
  ScriptedHand(const WheelLeggedView& view, uint64_t seed)
      : view_(view),
        random_(seed),
        person_(view.has_x ? worlds::WheelLeggedGoal::kStand : worlds::WheelLeggedGoal::kMove) {
    StartEpisode();
  }

  void StartEpisode() override {
    view_.x = 0;
    person_.Start(random_);
  }

  void Act(absl::Span<const float> observation, absl::Span<float> action) override {
    const double torque = person_.Act(view_.See(observation), random_);
    action[0] = static_cast<float>(torque / worlds::WheelLeggedRobot::kMaxTorque);
  }

  std::string name() const override { return "scripted"; }

 private:
  WheelLeggedView view_;
  worlds::Random random_;
  worlds::WheelLeggedOperator person_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Hand>> MakeScriptedHand(const worlds::TaskSpec& task,
                                                       uint64_t seed) {
  const std::optional<WheelLeggedView> view = WheelLeggedView::Of(task);
  if (!view.has_value()) {
    return absl::NotFoundError(absl::StrCat("no script knows how a person drives task '", task.name,
                                            "'; steer it with --operator=keyboard or gamepad"));
  }
  return std::make_unique<ScriptedHand>(*view, seed);
}

}  // namespace estuary::cli
