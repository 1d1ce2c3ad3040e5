#include "robot_bridge/status_board.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "robot_bridge/loop/clock.h"

namespace estuary::bridge {
namespace {

constexpr size_t kChangesKept = 16;

}  // namespace

StatusBoard::StatusBoard(const std::string& robot, const RobotTask& task, LoopTelemetry* telemetry,
                         const Driver* driver, const Spool* spool)
    : robot_(robot),
      period_s_(1e-6 * task.control_period_us),
      telemetry_(*telemetry),
      driver_(*driver),
      spool_(spool),
      spool_start_(spool == nullptr ? 0 : spool->next()) {}

LoopStatus StatusBoard::Newest() {
  absl::MutexLock lock(&mutex_);
  const uint32_t version = newest_.policy_version;
  telemetry_.status.Take(newest_);
  if (newest_.policy_version != version) policy_since_ = Now();
  return newest_;
}

void StatusBoard::SetStopReason(const std::string& reason) {
  absl::MutexLock lock(&mutex_);
  stop_reason_ = reason;
}

void StatusBoard::AddChange(const StateChange& change) {
  absl::MutexLock lock(&mutex_);
  changes_.push_back(change);
  if (changes_.size() > kChangesKept) changes_.pop_front();
}

void StatusBoard::SetLearnerAway(double seconds) {
  absl::MutexLock lock(&mutex_);
  learner_away_ = seconds;
}

void StatusBoard::SetRowsLost(uint64_t rows) {
  absl::MutexLock lock(&mutex_);
  rows_lost_ = rows;
}

void StatusBoard::CountPolicyRefusal(const std::string& why) {
  absl::MutexLock lock(&mutex_);
  ++policies_refused_;
  policy_refusal_ = why;
}

void StatusBoard::SetOperator(const std::string& name) {
  absl::MutexLock lock(&mutex_);
  operator_ = name;
}

void StatusBoard::CountStaleAction() {
  absl::MutexLock lock(&mutex_);
  ++stale_actions_;
}

uint64_t StatusBoard::Recorded(const LoopStatus& loop) const {
  return telemetry_.counters.transitions_recorded.Get() + (loop.transition_held ? 1 : 0);
}

uint64_t StatusBoard::Acknowledged() const {
  if (spool_ == nullptr) return 0;
  const uint64_t acknowledged = spool_->acknowledged();
  return acknowledged > spool_start_ ? acknowledged - spool_start_ : 0;
}

v1::OperatorView StatusBoard::View(const LoopStatus& loop) const {
  v1::OperatorView view;
  view.set_state(static_cast<v1::RobotState>(loop.state));
  if (loop.changed) view.set_reason_code(Code(loop.event));
  view.set_observation_sequence(loop.observation_sequence);
  const size_t dim = std::min<size_t>(loop.observation_dim, loop.observation.size());
  for (size_t i = 0; i < dim; ++i) view.add_observation(loop.observation[i]);
  view.set_link(loop.link);
  view.set_transitions_recorded(Recorded(loop));
  view.set_transitions_acknowledged(Acknowledged());
  view.set_episodes_terminated(telemetry_.counters.episodes_terminated.Get());
  view.set_episodes_truncated(telemetry_.counters.episodes_truncated.Get());
  view.set_episode_starts(telemetry_.counters.episode_starts.Get());
  return view;
}

void StatusBoard::AddLateTick(LateCause cause) {
  absl::MutexLock lock(&mutex_);
  ++late_ticks_[static_cast<size_t>(cause)];
}

void StatusBoard::FillTiming(v1::RobotStatus& status) {
  const LoopCounters& counters = telemetry_.counters;
  status.set_ticks(counters.ticks.Get());
  status.set_missed_ticks(counters.missed_ticks.Get());
  const Histogram::Counts lateness = telemetry_.lateness.Read();
  status.set_lateness_p50_us(Histogram::QuantileUs(lateness, 0.5));
  status.set_lateness_p99_us(Histogram::QuantileUs(lateness, 0.99));
  status.set_lateness_p999_us(Histogram::QuantileUs(lateness, 0.999));
  status.set_late_ticks(counters.late_ticks.Get());
  {
    absl::MutexLock lock(&mutex_);
    for (int i = 0; i < kLateCauses; ++i) {
      if (late_ticks_[i] == 0) continue;
      v1::LateTicks& ticks = *status.add_late_ticks_by_cause();
      ticks.set_cause(Name(static_cast<LateCause>(i)));
      ticks.set_count(late_ticks_[i]);
    }
  }
  status.set_lateness_max_us(static_cast<double>(telemetry_.lateness.MaxUs()));
  const Histogram::Counts latency = telemetry_.action_latency.Read();
  status.set_action_latency_p50_us(Histogram::QuantileUs(latency, 0.5));
  status.set_action_latency_p99_us(Histogram::QuantileUs(latency, 0.99));
}

void StatusBoard::FillSpool(v1::RobotStatus& status) const {
  status.set_transitions_acknowledged(Acknowledged());
  if (spool_ == nullptr) return;
  status.set_spool_used(spool_->used());
  status.set_spool_rows_waiting(spool_->next() - spool_->acknowledged());
  status.set_spool_seconds_left(period_s_ * static_cast<double>(spool_->room()));
  status.set_spool_oldest_seconds(spool_->oldest_seconds());
}

void StatusBoard::Fill(v1::RobotStatus& status) {
  const LoopStatus loop = Newest();
  status.set_state(static_cast<v1::RobotState>(loop.state));
  status.set_reason(loop.changed ? Words(loop.event) : "the bridge has just started");
  if (loop.changed) status.set_reason_code(Code(loop.event));
  status.set_robot(robot_);
  // Connected to some purpose: it has said where it is.
  const Driver::LinkStatus link = driver_.link();
  status.set_robot_connected(link.connected && link.links == loop.link);
  status.set_driver(driver_.kind());
  status.set_frames_corrupt(link.corrupt);
  status.set_frames_duplicate(link.duplicate);
  status.set_frames_out_of_order(link.out_of_order);
  status.set_frames_foreign(link.foreign);
  status.set_robot_connections(link.links);
  status.set_policy_version(loop.policy_version);
  FillTiming(status);
  FillSpool(status);
  const LoopCounters& counters = telemetry_.counters;
  status.set_transitions_recorded(Recorded(loop));
  status.set_policy_transitions(counters.policy_transitions.Get());
  status.set_operator_transitions(counters.operator_transitions.Get());
  status.set_fallback_transitions(counters.fallback_transitions.Get());
  status.set_episodes_terminated(counters.episodes_terminated.Get());
  status.set_episodes_truncated(counters.episodes_truncated.Get());
  status.set_observation_gaps(counters.observation_gaps.Get());
  status.set_limited_actions(counters.actions_clamped.Get() + counters.actions_rate_limited.Get() +
                             counters.actions_blended.Get());
  status.set_episode_seconds(period_s_ * static_cast<double>(loop.episode_ticks));
  status.set_episode_return(loop.episode_return);
  const size_t dim = std::min<size_t>(loop.observation_dim, loop.observation.size());
  for (size_t i = 0; i < dim; ++i) status.add_observation(loop.observation[i]);

  absl::MutexLock lock(&mutex_);
  if (loop.changed && loop.event == Event::kEmergencyStop && !stop_reason_.empty()) {
    status.set_reason(absl::StrCat(status.reason(), ": ", stop_reason_));
  }
  const int64_t now = Now();
  if (loop.policy_version > 0) {
    status.set_policy_age_seconds(1e-9 * static_cast<double>(now - policy_since_));
  }
  status.set_learner_away_seconds(learner_away_);
  for (const StateChange& change : changes_) {
    v1::StateChange& shown = *status.add_changes();
    shown.set_from(static_cast<v1::RobotState>(change.from));
    shown.set_to(static_cast<v1::RobotState>(change.to));
    shown.set_reason_code(Code(change.event));
    shown.set_reason(Words(change.event));
    shown.set_tick(change.tick);
    shown.set_seconds_ago(1e-9 * static_cast<double>(now - change.at_ns));
  }
  status.set_transitions_lost(counters.transitions_dropped.Get() + rows_lost_);
  status.set_policies_refused(policies_refused_);
  status.set_policy_refusal(policy_refusal_);
  status.set_operator_(operator_);
  status.set_operator_actions_stale(stale_actions_);
}

}  // namespace estuary::bridge
