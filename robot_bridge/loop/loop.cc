#include "robot_bridge/loop/loop.h"

#include <algorithm>

#include "robot_bridge/loop/tick_clock.h"

namespace estuary::bridge {

Loop::Loop(const LoopConfig& config, const Parts& parts)
    : config_(config),
      parts_(parts),
      telemetry_(*parts.telemetry),
      counters_(parts.telemetry->counters),
      assembler_(config.task, config.first_episode) {
  PublishStatus();
}

Loop::~Loop() {
  delete policy_;
  delete fading_;
}

void Loop::Run(const std::atomic<bool>& stop) {
  watch_.emplace();
  if (config_.pacing == Pacing::kClock) {
    RunByClock(stop);
  } else {
    while (!stop.load(std::memory_order_acquire)) {
      parts_.wakeup->Wait(Now() + config_.period_ns);
      Step(Now());
    }
  }
  Finish(Now());
  watch_.reset();
}

void Loop::RunByClock(const std::atomic<bool>& stop) {
  TickClock clock(Now() + config_.period_ns, config_.period_ns);
  while (!stop.load(std::memory_order_acquire)) {
    SleepUntil(clock.deadline() - config_.spin_ns);
    int64_t now = Now();
    while (now < clock.deadline()) now = Now();
    const TickClock::Tick tick = clock.Woke(now);
    if (tick.missed > 0) counters_.missed_ticks.Add(static_cast<uint64_t>(tick.missed));
    NoteWake(now, tick.lateness_ns);
    Step(now, tick.lateness_ns);
  }
}

void Loop::NoteWake(int64_t now, int64_t lateness_ns) {
  telemetry_.lateness.Record(lateness_ns);
  LateTick tick;
  if (watch_.has_value()) watch_->Look(tick);
  if (lateness_ns <= config_.late_ns) return;
  counters_.late_ticks.Add();
  tick.at_ns = now;
  tick.lateness_ns = lateness_ns;
  if (!telemetry_.late.Push(tick)) counters_.late_ticks_unseen.Add();
}

void Loop::Step(int64_t now, int64_t lateness_ns) {
  lateness_ns_ = lateness_ns;
  counters_.turns.Add();
  TakePolicy();
  HandleRequests(now);
  int received = 0;
  while (parts_.robot->Receive(scratch_)) {
    Accept(scratch_, now);
    ++received;
  }
  if (received > 0) {
    if (config_.pacing == Pacing::kObservations) {
      lateness_ns_ = now - newest_.received_ns;
      NoteWake(now, lateness_ns_);
      counters_.missed_ticks.Add(received - 1);
    }
    Control(now);
  } else {
    CheckSilence(now);
  }
  PublishStatus();
}

void Loop::Finish(int64_t now) {
  if (TorqueOn(state_)) Apply(Event::kDisarm, now);
  assembler_.Flush([this](const Transition& transition) { Emit(transition); });
  PublishStatus();
}

void Loop::TakePolicy() {
  ActionSource* taken = parts_.policies->Take();
  if (taken == nullptr) return;
  parts_.policies->Retire(fading_);
  fading_ = nullptr;
  if (config_.fade_ticks > 0 && policy_ != nullptr && !policy_bad_) {
    fading_ = policy_;
    fade_left_ = config_.fade_ticks;
  } else {
    parts_.policies->Retire(policy_);
  }
  policy_ = taken;
  policy_bad_ = false;
  counters_.policy_swaps.Add();
}

void Loop::HandleRequests(int64_t now) {
  Request request;
  while (parts_.port->requests.Pop(request)) {
    const Answer answer = Handle(request.event, now);
    parts_.port->replies.Push({request.id, answer, state_});
  }
}

Answer Loop::Handle(Event event, int64_t now) {
  const bool heard = newest_health_ != Health::kNone && now - newest_.received_ns < config_.lost_ns;
  switch (event) {
    case Event::kArm:
      if (TorqueOn(state_)) return Answer::kAlready;
      if (!heard) return Answer::kNoRobot;
      if (newest_health_ != Health::kGood) return Answer::kObservationUnusable;
      if (envelope_.off) return Answer::kOutsideEnvelope;
      break;
    case Event::kChoosePolicy:
      if (!TorqueOn(state_)) return Answer::kNotFromHere;
      if (policy_ == nullptr || policy_bad_) return Answer::kNoPolicy;
      break;
    case Event::kChooseOperator:
      if (!TorqueOn(state_)) return Answer::kNotFromHere;
      if (!OperatorFresh(now)) return Answer::kNoOperator;
      break;
    case Event::kChooseFallback:
      if (!TorqueOn(state_)) return Answer::kNotFromHere;
      break;
    default:
      break;
  }
  if (event == Event::kChoosePolicy) wanted_mode_ = State::kPolicy;
  if (event == Event::kChooseOperator) {
    wanted_mode_ = State::kOperator;
    operator_ticket_ = operator_input_.ticket;
    operator_episode_ = operator_input_.episode;
  }
  if (event == Event::kChooseFallback || event == Event::kArm) wanted_mode_ = State::kFallback;
  if (Apply(event, now)) return Answer::kDone;
  // ESTOP is left by Arm alone.
  return event == Event::kDisarm && state_ == State::kEstop ? Answer::kNotFromHere
                                                            : Answer::kAlready;
}

void Loop::Accept(const Observation& observation, int64_t now) {
  const bool new_link = newest_health_ == Health::kNone || observation.link != newest_.link;
  if (!new_link && observation.sequence <= newest_.sequence) {
    counters_.observations_out_of_order.Add();
    return;
  }
  if (new_link) {
    Apply(Event::kLinkReplaced, now);
    has_usable_ = false;
    invalid_ticks_ = 0;
  }
  if (observation.robot_time_ns != 0) {
    const int64_t offset = observation.received_ns - observation.robot_time_ns;
    const int64_t creep = config_.period_ns / 1000;
    least_offset_ns_ = new_link ? offset : std::min(offset, least_offset_ns_ + creep);
    transport_delay_ns_ = offset - least_offset_ns_;
  } else {
    transport_delay_ns_ = 0;
  }
  const bool valid =
      observation.observation_dim == static_cast<uint32_t>(config_.task.observation_dim) &&
      AllFinite(observation.observation.data(), config_.task.observation_dim);
  if (observation.episode_start) {
    counters_.episode_starts.Add();
    episode_ticks_ = 0;
    episode_return_ = 0;
  }
  const Assembler::Outcome outcome = assembler_.Add(
      observation, valid, decisions_, [this](const Transition& transition) { Emit(transition); });
  if (outcome == Assembler::Outcome::kGap) counters_.observation_gaps.Add();
  if (outcome == Assembler::Outcome::kTransition) {
    ++episode_ticks_;
    episode_return_ += assembler_.reward();
  }
  newest_ = observation;
  newest_health_ = valid ? Health::kGood : Health::kInvalid;
  if (valid) {
    usable_ = observation;
    has_usable_ = true;
    invalid_ticks_ = 0;
    envelope_ = CheckEnvelope(config_.limits, Usable());
  } else {
    counters_.observations_invalid.Add();
    ++invalid_ticks_;
  }
}

void Loop::Control(int64_t now) {
  counters_.ticks.Add();
  const int64_t age = now - newest_.received_ns + transport_delay_ns_;
  bool good = true;
  if (newest_health_ == Health::kInvalid) {
    good = false;
    Apply(Event::kObservationInvalid, now);
    if (invalid_ticks_ >= config_.invalid_ticks_off || !has_usable_) {
      Apply(Event::kObservationsLost, now);
    }
  }
  if (age > config_.stale_ns) {
    good = false;
    counters_.observations_stale.Add();
    Apply(Event::kObservationStale, now);
  }
  if (has_usable_ && envelope_.off) Apply(Event::kEnvelopeOff, now);
  if (has_usable_ && envelope_.fallback) Apply(Event::kEnvelopeFallback, now);
  if (envelope_.share < 1) good = false;
  good_ticks_ = good ? good_ticks_ + 1 : 0;
  if (state_ == State::kFallback) TryRecovery(now);

  Decision decision;
  decision.link = newest_.link;
  decision.sequence = newest_.sequence;
  if (!TorqueOn(state_)) {
    SendTorqueOff();
    RecordTick(now, age, decision, Command());
    return;
  }
  Evaluate(config_.feedback, Usable(), fallback_.data());
  decision.source = Choose(now, decision.wanted.data());
  decision.policy_version = decision.source == Source::kPolicy ? policy_->version() : 0;

  const int count = config_.task.action_dim;
  Command command;
  command.link = newest_.link;
  command.observation_sequence = newest_.sequence;
  command.action_dim = count;
  command.action = decision.wanted;
  command.torque_on = true;
  uint32_t limited = kNotLimited;
  if (decision.source != Source::kFallback) {
    limited |= Blend(envelope_.share, fallback_.data(), count, command.action.data());
  } else if (config_.shadow && state_ == State::kPolicy) {
    command.action = fallback_;
  }
  limited |= LimitAction(config_.limits, previous_.data(), count, command.action.data());
  if (limited & kBlended) counters_.actions_blended.Add();
  if (limited & kClamped) counters_.actions_clamped.Add();
  if (limited & kRateLimited) counters_.actions_rate_limited.Add();
  parts_.robot->Send(command);
  const int64_t latency = Now() - newest_.received_ns;
  telemetry_.action_latency.Record(latency);
  decision.latency_us = static_cast<uint32_t>(std::max<int64_t>(0, latency) / kMicrosecond);
  decisions_.Put(decision);
  previous_ = command.action;
  RecordTick(now, age, decision, command);
}

void Loop::RecordTick(int64_t now, int64_t age, const Decision& decision, const Command& command) {
  TickRecord record;
  record.at_ns = now;
  record.tick = counters_.ticks.Get();
  record.sequence = newest_.sequence;
  record.state = state_;
  record.source = decision.source;
  record.policy_version = decision.policy_version;
  record.age_us = age / kMicrosecond;
  record.lateness_ns = lateness_ns_;
  record.latency_us = decision.latency_us;
  record.torque_on = command.torque_on;
  record.observation = newest_.observation;
  record.wanted = decision.wanted;
  record.commanded = command.action;
  telemetry_.ticks.Push(record);
}

Source Loop::Choose(int64_t now, float* wanted) {
  const int count = config_.task.action_dim;
  if (state_ == State::kPolicy) {
    if (PolicyAction(wanted)) return config_.shadow ? Source::kFallback : Source::kPolicy;
    Apply(Event::kPolicyInvalid, now);
  } else if (state_ == State::kOperator) {
    if (OperatorSteers(now) && AllFinite(operator_input_.action.data(), count)) {
      FollowOperatorsEpisode();
      std::copy_n(operator_input_.action.data(), count, wanted);
      return Source::kOperator;
    }
    Apply(Event::kOperatorSilent, now);
  }
  std::copy_n(fallback_.data(), count, wanted);
  return Source::kFallback;
}

bool Loop::PolicyAction(float* action) {
  if (policy_ == nullptr) return false;
  const int count = config_.task.action_dim;
  policy_->Act(Usable(), action);
  if (!AllFinite(action, count)) {
    counters_.actions_not_finite.Add();
    policy_bad_ = true;
    return false;
  }
  if (fading_ != nullptr) {
    ActionArray old{};
    fading_->Act(Usable(), old.data());
    const float share =
        1 - static_cast<float>(fade_left_) / static_cast<float>(config_.fade_ticks + 1);
    if (AllFinite(old.data(), count)) Blend(share, old.data(), count, action);
    if (--fade_left_ == 0) {
      parts_.policies->Retire(fading_);
      fading_ = nullptr;
    }
  }
  return true;
}

bool Loop::OperatorFresh(int64_t now) {
  parts_.operator_input->Take(operator_input_);
  return operator_input_.at_ns != 0 && now - operator_input_.at_ns < config_.operator_silent_ns;
}

bool Loop::OperatorSteers(int64_t now) {
  return OperatorFresh(now) && operator_input_.ticket == operator_ticket_;
}

void Loop::FollowOperatorsEpisode() {
  if (operator_input_.episode == operator_episode_) return;
  operator_episode_ = operator_input_.episode;
  assembler_.EndEpisode([this](const Transition& transition) { Emit(transition); });
  episode_ticks_ = 0;
  episode_return_ = 0;
}

void Loop::TryRecovery(int64_t now) {
  if (config_.recovery_ticks == 0 || good_ticks_ < config_.recovery_ticks) return;
  if (wanted_mode_ == State::kPolicy && policy_ != nullptr && !policy_bad_) {
    Apply(Event::kPolicyRecovered, now);
  } else if (wanted_mode_ == State::kOperator && OperatorSteers(now)) {
    Apply(Event::kOperatorRecovered, now);
  }
}

void Loop::CheckSilence(int64_t now) {
  if (newest_health_ == Health::kNone) return;
  const int64_t silence = now - newest_.received_ns;
  if (silence > config_.stale_ns) Apply(Event::kObservationStale, now);
  if (silence > config_.lost_ns) {
    Apply(Event::kObservationsLost, now);
    assembler_.Flush([this](const Transition& transition) { Emit(transition); });
  }
}

void Loop::SendTorqueOff() {
  previous_.fill(0);
  if (newest_health_ == Health::kNone) return;
  Command command;
  command.link = newest_.link;
  command.observation_sequence = newest_.sequence;
  command.action_dim = config_.task.action_dim;
  parts_.robot->Send(command);
}

bool Loop::Apply(Event event, int64_t now) {
  const std::optional<Edge> edge = FindEdge(state_, event);
  if (!edge.has_value()) return false;
  state_ = edge->to;
  last_event_ = event;
  changed_ = true;
  good_ticks_ = 0;
  telemetry_.changes.Push({now, counters_.ticks.Get(), edge->from, edge->to, event});
  if (TorqueOn(edge->from) && !TorqueOn(edge->to)) {
    wanted_mode_ = State::kFallback;
    // At once, not with the next observation.
    SendTorqueOff();
  }
  if (!TorqueOn(edge->from) && TorqueOn(edge->to)) {
    episode_ticks_ = 0;
    episode_return_ = 0;
  }
  return true;
}

void Loop::Emit(const Transition& transition) {
  SpscRing<Transition>& ring = telemetry_.transitions;
  if (ring_closed_ && ring.Size() <= ring.Capacity() / 2) {
    ring_closed_ = false;
    ++episode_shift_;
  }
  if (ring_closed_) {
    counters_.transitions_dropped.Add();
    return;
  }
  Transition kept = transition;
  kept.episode += episode_shift_;
  if (ring.Size() + 1 >= ring.Capacity()) {
    // The last that fits: what comes after it is lost, so its episode is cut here.
    kept.truncated = !kept.terminal;
    ring_closed_ = true;
  }
  ring.Push(kept);
  Count(kept);
}

void Loop::Count(const Transition& transition) {
  counters_.transitions_recorded.Add();
  switch (transition.source) {
    case Source::kPolicy:
      counters_.policy_transitions.Add();
      break;
    case Source::kOperator:
      counters_.operator_transitions.Add();
      break;
    case Source::kFallback:
      counters_.fallback_transitions.Add();
      break;
  }
  if (transition.terminal) counters_.episodes_terminated.Add();
  if (transition.truncated) counters_.episodes_truncated.Add();
}

void Loop::PublishStatus() {
  LoopStatus status;
  status.state = state_;
  status.event = last_event_;
  status.changed = changed_;
  status.policy_version = policy_ != nullptr ? policy_->version() : 0;
  status.transition_held = assembler_.holds();
  status.episode_ticks = episode_ticks_;
  status.episode_return = episode_return_;
  if (newest_health_ != Health::kNone) {
    status.link = newest_.link;
    status.observation_ns = newest_.received_ns;
    status.observation_sequence = newest_.sequence;
    status.observation_dim = newest_.observation_dim;
    status.observation = newest_.observation;
  }
  telemetry_.status.Put(status);
}

}  // namespace estuary::bridge
