#include "cli/steer/stick_hand.h"

#include <algorithm>
#include <utility>

#include "cli/steer/wheel_legged.h"
#include "worlds/wheel_legged/controllers.h"

namespace estuary::cli {
namespace {

// Of a fully deflected stick, m/s.
constexpr double kFastest = 0.5;
// How far the point to be at may be from the robot, m: beyond it the stabiliser would fall.
constexpr double kLead = 0.3;

class StickHand : public Hand {
 public:
  explicit StickHand(std::unique_ptr<Stick> stick) : stick_(std::move(stick)) {}

  void StartEpisode() override {}
  void Act(absl::Span<const float>, absl::Span<float> action) override {
    const StickState state = Read();
    std::fill(action.begin(), action.end(), 0.0f);
    action[0] = static_cast<float>(state.forward);
    if (action.size() > 1) action[1] = static_cast<float>(state.sideways);
  }

  HandWishes Wishes() override {
    Read();
    return std::exchange(wishes_, HandWishes());
  }
  std::string name() const override { return stick_->name(); }
  std::string help() const override { return stick_->help(); }

 protected:
  StickState Read() {
    const StickState state = stick_->Read();
    wishes_.arm = wishes_.arm || state.wishes.arm;
    wishes_.new_episode = wishes_.new_episode || state.wishes.new_episode;
    wishes_.stop = wishes_.stop || state.wishes.stop;
    wishes_.quit = wishes_.quit || state.wishes.quit;
    return state;
  }

 private:
  const std::unique_ptr<Stick> stick_;
  // Until they are asked for.
  HandWishes wishes_;
};

class StabilisedHand final : public StickHand {
 public:
  StabilisedHand(const WheelLeggedView& view, std::unique_ptr<Stick> stick)
      : StickHand(std::move(stick)), view_(view) {}

  void StartEpisode() override {
    view_.x = 0;
    started_ = false;
  }

  void Act(absl::Span<const float> observation, absl::Span<float> action) override {
    const double speed = kFastest * Read().forward;
    worlds::WheelLeggedState state = view_.See(observation);
    if (!started_) goal_x_ = state.x;
    started_ = true;
    worlds::WheelLeggedGains gains = worlds::kWheelLeggedMoveFallback;
    gains.target_speed = speed;
    if (view_.has_x) {
      gains = worlds::kWheelLeggedStandFallback;
      gains.target_speed = speed;
      goal_x_ = std::clamp(goal_x_ + worlds::WheelLeggedRobot::kControlPeriod * speed,
                           state.x - kLead, state.x + kLead);
      state.x -= goal_x_;
    }
    action[0] = static_cast<float>(
        std::clamp(gains.Torque(state) / worlds::WheelLeggedRobot::kMaxTorque, -1.0, 1.0));
  }

 private:
  WheelLeggedView view_;
  bool started_ = false;
  double goal_x_ = 0;
};

}  // namespace

std::unique_ptr<Hand> MakeStickHand(const worlds::TaskSpec& task, std::unique_ptr<Stick> stick) {
  const std::optional<WheelLeggedView> view = WheelLeggedView::Of(task);
  if (view.has_value()) return std::make_unique<StabilisedHand>(*view, std::move(stick));
  return std::make_unique<StickHand>(std::move(stick));
}

}  // namespace estuary::cli
