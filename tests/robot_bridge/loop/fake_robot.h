// A scripted robot at the loop's side of the driver, and the small task it has: pitch, its rate and
// a position, one motor.
#pragma once

#include <cmath>
#include <memory>
#include <vector>

#include "robot_bridge/loop/clock.h"
#include "robot_bridge/loop/loop.h"

namespace estuary::bridge {

inline LoopTask TestTask() {
  LoopTask task;
  task.observation_dim = 3;
  task.action_dim = 1;
  task.reward = [](const float* next, const float* action) {
    return 1.0 - std::abs(next[0]) - 0.1 * action[0] * action[0];
  };
  task.terminal = [](const float* observation) { return std::abs(observation[0]) > 0.5f; };
  return task;
}

inline LoopConfig TestConfig() {
  LoopConfig config;
  config.task = TestTask();
  config.feedback.observation_dim = 3;
  config.feedback.action_dim = 1;
  config.feedback.scale = 1;
  config.feedback.gain[0] = {1, 0, 0};
  config.limits.axes[0] = {.index = 0, .center = 0, .soft = 0.3f, .fallback = 0.4f, .off = 0.8f};
  config.limits.axis_count = 1;
  config.recovery_ticks = 3;
  config.invalid_ticks_off = 4;
  return config;
}

class FakeRobot : public RobotIo {
 public:
  bool Receive(Observation& observation) override {
    if (next_ == script_.size()) return false;
    observation = script_[next_++];
    return true;
  }
  void Send(const Command& command) override {
    last = command;
    ++sent;
  }

  void Queue(const Observation& observation) {
    if (next_ == script_.size()) {
      script_.clear();
      next_ = 0;
    }
    script_.push_back(observation);
  }

  Command last;
  int sent = 0;

 private:
  std::vector<Observation> script_;
  size_t next_ = 0;
};

class FixedSource : public ActionSource {
 public:
  FixedSource(uint32_t version, float action) : version_(version), action_(action) {}
  uint32_t version() const override { return version_; }
  void Act(const float*, float* action) override { action[0] = action_; }

 private:
  const uint32_t version_;
  const float action_;
};

// A loop with all its parts, a robot that answers as a good one does, and a clock that the test
// moves.
class Rig {
 public:
  explicit Rig(const LoopConfig& config = TestConfig())
      : loop(config, {.robot = &robot,
                      .wakeup = &wakeup,
                      .policies = &policies,
                      .port = &port,
                      .operator_input = &operator_input,
                      .telemetry = &telemetry}) {}

  // The next period's observation: one later, 5 ms on, under the last command.
  Observation Next(float pitch = 0) {
    now += 5 * kMillisecond;
    Observation observation;
    observation.link = link;
    observation.sequence = ++sequence;
    observation.robot_time_ns = now - 77 * kSecond;
    observation.received_ns = now;
    observation.observation_dim = 3;
    observation.observation = {pitch, 0.1f, static_cast<float>(sequence)};
    if (robot.sent > 0 && robot.last.torque_on && robot.last.link == link) {
      observation.applied_sequence = robot.last.observation_sequence;
      observation.applied_dim = 1;
      observation.applied_action = robot.last.action;
    }
    return observation;
  }
  void Feed(const Observation& observation) {
    robot.Queue(observation);
    loop.Step(now);
  }
  void Tick(float pitch = 0) { Feed(Next(pitch)); }
  void Ticks(int count) {
    for (int i = 0; i < count; ++i) Tick();
  }
  // `ns` pass without an observation.
  void Silence(int64_t ns) {
    now += ns;
    loop.Step(now);
  }
  Answer Ask(Event event) {
    port.requests.Push({++request, event});
    loop.Step(now);
    Reply reply;
    while (port.replies.Pop(reply)) {
      if (reply.id == request) return reply.answer;
    }
    return Answer::kNotFromHere;
  }
  void Offer(uint32_t version, float action) {
    policies.Offer(std::make_unique<FixedSource>(version, action));
  }
  std::vector<Transition> Recorded() {
    std::vector<Transition> all;
    Transition transition;
    while (telemetry.transitions.Pop(transition)) all.push_back(transition);
    return all;
  }
  std::vector<StateChange> Changes() {
    std::vector<StateChange> all;
    StateChange change;
    while (telemetry.changes.Pop(change)) all.push_back(change);
    return all;
  }

  FakeRobot robot;
  Wakeup wakeup;
  PolicySlot policies;
  OperatorPort port;
  Mailbox<OperatorInput> operator_input;
  LoopTelemetry telemetry;
  // The loop measures its latency with the real clock, so the test's begins there.
  int64_t now = Now();
  uint64_t sequence = 0;
  uint64_t link = 1;
  uint64_t request = 0;
  Loop loop;
};

}  // namespace estuary::bridge
