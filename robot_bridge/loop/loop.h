// The 200 Hz loop: observation in, command out, and a transition for the record, in one real-time
// thread.
//
// In each tick: read the newest observation, validate it, choose who acts (policy, operator,
// fallback controller), limit the action, write the command, record. Nothing here waits for
// anything but the next observation or tick; nothing allocates, locks, logs or touches the network.
// What other threads may do goes through rings and mailboxes (telemetry.h, requests.h,
// policy_slot.h).
//
// Pacing: by the robot's own packets (the loop wakes when an observation arrives, and once a period
// to notice that none does), or by the clock (absolute deadlines; ticks that were missed are
// skipped and counted, never made up for).
//
// Faults: POLICY and OPERATOR fall to FALLBACK when an observation is invalid or late, when the
// action is not finite, or near the envelope's edge, and come back by themselves after
// `recovery_ticks` good ticks. An invalid observation is answered by the fallback controller on the
// last valid one, for at most `invalid_ticks_off` ticks. Without usable observations for `lost_ns`,
// or outside the envelope: ESTOP.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "robot_bridge/loop/assembler.h"
#include "robot_bridge/loop/clock.h"
#include "robot_bridge/loop/feedback.h"
#include "robot_bridge/loop/limits.h"
#include "robot_bridge/loop/policy_slot.h"
#include "robot_bridge/loop/requests.h"
#include "robot_bridge/loop/robot_io.h"
#include "robot_bridge/loop/telemetry.h"
#include "robot_bridge/loop/wakeup.h"

namespace estuary::bridge {

enum class Pacing { kObservations, kClock };

struct LoopConfig {
  LoopTask task;
  Feedback feedback;
  Limits limits;
  Pacing pacing = Pacing::kObservations;
  int64_t period_ns = 5 * kMillisecond;
  // Age of an observation beyond which the fallback controller acts, and silence that ends in
  // ESTOP.
  int64_t stale_ns = 20 * kMillisecond;
  // With the tick that notices, the motors are off within 100 ms.
  int64_t lost_ns = 90 * kMillisecond;
  int invalid_ticks_off = 10;
  // 0: what fell to FALLBACK stays there.
  int recovery_ticks = 100;
  // A new policy version takes over from the old one over so many ticks; 0: at once.
  int fade_ticks = 0;
  // An operator's command older than this is no command.
  int64_t operator_silent_ns = 200 * kMillisecond;
  // Compute the policy's action, record it, and let the fallback controller act.
  bool shadow = false;
  uint32_t first_episode = 0;
  // A wake-up later than this is a late tick.
  int64_t late_ns = kMillisecond;
  // With Pacing::kClock: wakes so much earlier and waits for its time with open eyes.
  int64_t spin_ns = 50 * kMicrosecond;
};

class Loop {
 public:
  // Everything outlives the loop.
  struct Parts {
    RobotIo* robot = nullptr;
    // Signalled for every observation.
    Wakeup* wakeup = nullptr;
    PolicySlot* policies = nullptr;
    OperatorPort* port = nullptr;
    Mailbox<OperatorInput>* operator_input = nullptr;
    LoopTelemetry* telemetry = nullptr;
  };

  Loop(const LoopConfig& config, const Parts& parts);
  ~Loop();

  // The thread's body, until `stop`.
  void Run(const std::atomic<bool>& stop);

  // One pass at time `now`: requests, observations, a command. `lateness_ns`: of the wake-up, where
  // it was for the clock's time.
  void Step(int64_t now, int64_t lateness_ns = 0);

  // The last pass: motors off, what is held back goes out.
  void Finish(int64_t now);

  State state() const { return state_; }

 private:
  enum class Health { kNone, kGood, kInvalid };

  void RunByClock(const std::atomic<bool>& stop);
  void NoteWake(int64_t now, int64_t lateness_ns);
  void TakePolicy();
  void HandleRequests(int64_t now);
  Answer Handle(Event event, int64_t now);
  void Accept(const Observation& observation, int64_t now);
  void Control(int64_t now);
  void CheckSilence(int64_t now);
  // Who acts by the state, and what he wants. Falls to the fallback controller where he cannot.
  Source Choose(int64_t now, float* wanted);
  bool PolicyAction(float* action);
  bool OperatorFresh(int64_t now);
  // The one who steers now is the one to whom the robot was handed.
  bool OperatorSteers(int64_t now);
  void FollowOperatorsEpisode();
  void TryRecovery(int64_t now);
  void SendTorqueOff();
  bool Apply(Event event, int64_t now);
  void RecordTick(int64_t now, int64_t age, const Decision& decision, const Command& command);
  void Emit(const Transition& transition);
  void Count(const Transition& transition);
  void PublishStatus();
  const float* Usable() const { return usable_.observation.data(); }

  const LoopConfig config_;
  const Parts parts_;
  LoopTelemetry& telemetry_;
  LoopCounters& counters_;
  // Of the thread in Run; none while a test steps.
  std::optional<WakeWatch> watch_;
  // Of the tick that runs.
  int64_t lateness_ns_ = 0;

  State state_ = State::kDisarmed;
  Event last_event_ = Event::kDisarm;
  bool changed_ = false;
  // The mode that an operator chose last; FALLBACK returns to it.
  State wanted_mode_ = State::kFallback;
  int good_ticks_ = 0;
  int invalid_ticks_ = 0;

  Observation scratch_;
  // The newest observation, and the newest valid one, which is what acts.
  Observation newest_;
  Health newest_health_ = Health::kNone;
  Observation usable_;
  bool has_usable_ = false;
  // Least (our clock - the robot's), creeping up so that two clocks may drift: what an observation
  // exceeds it by is how long it was on its way.
  int64_t least_offset_ns_ = 0;
  int64_t transport_delay_ns_ = 0;
  EnvelopeVerdict envelope_;

  ActionSource* policy_ = nullptr;
  ActionSource* fading_ = nullptr;
  int fade_left_ = 0;
  // The policy's output was not finite: it must be replaced before it may act again.
  bool policy_bad_ = false;
  OperatorInput operator_input_;
  // Of the operator to whom the robot was handed.
  uint64_t operator_ticket_ = 0;
  uint32_t operator_episode_ = 0;
  ActionArray fallback_{};
  // The command in force, for rate limit and filter.
  ActionArray previous_{};

  DecisionLog decisions_;
  Assembler assembler_;
  // The ring to the spool is full; nothing is put into it until half of it is free again, so that
  // what was lost is one piece. What comes after a loss belongs to another episode.
  bool ring_closed_ = false;
  uint32_t episode_shift_ = 0;
  uint64_t episode_ticks_ = 0;
  double episode_return_ = 0;
};

}  // namespace estuary::bridge
