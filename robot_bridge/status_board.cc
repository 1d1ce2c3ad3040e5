#include "robot_bridge/status_board.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace estuary::bridge {

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
  telemetry_.status.Take(newest_);
  return newest_;
}

void StatusBoard::SetStopReason(const std::string& reason) {
  absl::MutexLock lock(&mutex_);
  stop_reason_ = reason;
}

void StatusBoard::Fill(v1::RobotStatus& status) {
  const LoopStatus loop = Newest();
  status.set_state(static_cast<v1::RobotState>(loop.state));
  status.set_reason(loop.changed ? Words(loop.event) : "the bridge has just started");
  if (loop.changed && loop.event == Event::kEmergencyStop) {
    absl::MutexLock lock(&mutex_);
    if (!stop_reason_.empty()) {
      status.set_reason(absl::StrCat(status.reason(), ": ", stop_reason_));
    }
  }
  status.set_robot(robot_);
  // Connected to some purpose: it has said where it is.
  const Driver::LinkStatus link = driver_.link();
  status.set_robot_connected(link.connected && link.links == loop.link);
  status.set_policy_version(loop.policy_version);
  const LoopCounters& counters = telemetry_.counters;
  status.set_ticks(counters.ticks.Get());
  status.set_missed_ticks(counters.missed_ticks.Get());
  const Histogram::Counts lateness = telemetry_.lateness.Read();
  status.set_lateness_p50_us(Histogram::QuantileUs(lateness, 0.5));
  status.set_lateness_p99_us(Histogram::QuantileUs(lateness, 0.99));
  status.set_lateness_max_us(static_cast<double>(telemetry_.lateness.MaxUs()));
  const Histogram::Counts latency = telemetry_.action_latency.Read();
  status.set_action_latency_p50_us(Histogram::QuantileUs(latency, 0.5));
  status.set_action_latency_p99_us(Histogram::QuantileUs(latency, 0.99));
  status.set_transitions_recorded(counters.transitions_recorded.Get() +
                                  (loop.transition_held ? 1 : 0));
  if (spool_ != nullptr) {
    const uint64_t acknowledged = spool_->acknowledged();
    status.set_transitions_acknowledged(acknowledged > spool_start_ ? acknowledged - spool_start_
                                                                    : 0);
  }
  status.set_observation_gaps(counters.observation_gaps.Get());
  status.set_limited_actions(counters.actions_clamped.Get() + counters.actions_rate_limited.Get() +
                             counters.actions_blended.Get());
  status.set_episode_seconds(period_s_ * static_cast<double>(loop.episode_ticks));
  status.set_episode_return(loop.episode_return);
  const size_t dim = std::min<size_t>(loop.observation_dim, loop.observation.size());
  for (size_t i = 0; i < dim; ++i) status.add_observation(loop.observation[i]);
}

}  // namespace estuary::bridge
