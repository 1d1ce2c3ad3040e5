// The bridge's loop with everything around it, for fuzzers that feed it what came over a wire. Its
// rings are made once, since they are large, and are empty between two inputs.
#pragma once

#include <cmath>
#include <memory>
#include <optional>

#include "robot_bridge/loop/loop.h"
#include "robot_bridge/tasks.h"
#include "tests/fuzz/harness/fuzz.h"

namespace estuary::fuzz {

class LoopRig : public bridge::RobotIo {
 public:
  LoopRig() : task_(*bridge::FindRobotTask("wheel_legged_stand")), parts_(SharedParts()) {
    bridge::LoopConfig config = task_.loop;
    config.limits.max_action = .9f;
    config.limits.max_change = .5f;
    config.limits.low_pass = .8f;
    config.fade_ticks = 3;
    config.recovery_ticks = 2;
    loop_.emplace(config, bridge::Loop::Parts{.robot = this,
                                              .wakeup = &parts_.wakeup,
                                              .policies = &parts_.policies,
                                              .port = &parts_.port,
                                              .operator_input = &parts_.input,
                                              .telemetry = &parts_.telemetry});
  }
  ~LoopRig() override {
    loop_->Finish(now_);
    Drain();
    loop_.reset();
    parts_.policies.Collect();
  }

  const bridge::RobotTask& task() const { return task_; }
  int64_t now() const { return now_; }

  // A tick, with an observation or without.
  void Step(const bridge::Observation* observation) {
    waiting_ = observation;
    loop_->Step(now_);
    Drain();
  }
  // What else may happen to a loop, as the input says.
  void Disturb(uint8_t what) {
    switch (what & 7) {
      case 1:
        parts_.port.requests.Push({++request_, static_cast<bridge::Event>((what >> 3) % 6)});
        break;
      case 2:
        parts_.policies.Offer(std::make_unique<Source>(what & 8 ? NAN : 3.0f));
        break;
      case 3:
        now_ += (what >> 3) * 10 * bridge::kMillisecond;
        break;
      default:
        break;
    }
    now_ += 5 * bridge::kMillisecond;
  }

  bool Receive(bridge::Observation& observation) override {
    if (waiting_ == nullptr) return false;
    observation = *waiting_;
    waiting_ = nullptr;
    return true;
  }
  // Whatever came in, what goes to the motors is a command.
  void Send(const bridge::Command& command) override {
    FUZZ_CHECK(command.action_dim == 1u, "a command of the robot's size");
    FUZZ_CHECK(std::abs(command.action[0]) <= .9f + 1e-6f, "a finite action within its limits");
  }

 private:
  struct Parts {
    bridge::Wakeup wakeup;
    bridge::PolicySlot policies;
    bridge::OperatorPort port;
    bridge::Mailbox<bridge::OperatorInput> input;
    bridge::LoopTelemetry telemetry;
  };
  static Parts& SharedParts() {
    static Parts* const parts = new Parts();
    return *parts;
  }

  class Source : public bridge::ActionSource {
   public:
    explicit Source(float action) : action_(action) {}
    uint32_t version() const override { return 1; }
    void Act(const float* observation, float* action) override {
      action[0] = action_ * std::tanh(observation[0]);
    }

   private:
    const float action_;
  };

  void Drain() {
    bridge::Transition transition;
    while (parts_.telemetry.transitions.Pop(transition)) {
      FUZZ_CHECK(std::isfinite(transition.reward), "a finite reward");
      FUZZ_CHECK(!(transition.terminal && transition.truncated), "one end at most");
      FUZZ_CHECK(std::abs(transition.action[0]) <= 1, "an action of the action space");
      for (int i = 0; i < task_.loop.task.observation_dim; ++i) {
        FUZZ_CHECK(std::isfinite(transition.observation[i]) &&
                       std::isfinite(transition.next_observation[i]),
                   "finite observations");
      }
    }
    bridge::StateChange change;
    while (parts_.telemetry.changes.Pop(change)) {
    }
    bridge::TickRecord tick;
    while (parts_.telemetry.ticks.Pop(tick)) {
    }
    bridge::LateTick late;
    while (parts_.telemetry.late.Pop(late)) {
    }
    bridge::Reply reply;
    while (parts_.port.replies.Pop(reply)) {
    }
  }

  const bridge::RobotTask task_;
  Parts& parts_;
  std::optional<bridge::Loop> loop_;
  const bridge::Observation* waiting_ = nullptr;
  int64_t now_ = bridge::Now();
  uint64_t request_ = 0;
};

}  // namespace estuary::fuzz
