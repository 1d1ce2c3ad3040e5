#include "robot_bridge/loop_metrics.h"

#include <utility>

#include "absl/time/clock.h"
#include "common/process/process_context.h"
#include "robot_bridge/bridge_metric_families.h"
#include "robot_bridge/loop/clock.h"

namespace estuary::bridge {

LoopMetrics::LoopMetrics(const std::string& robot, const RobotTask& task,
                         const LoopTelemetry& telemetry, process::Metrics& metrics)
    : labels_({{"robot", robot}}),
      figures_(task.figures),
      period_s_(1e-6 * task.control_period_us),
      metrics_(metrics),
      state_since_(Now()) {
  AddCounters(telemetry.counters);
  histograms_.push_back(
      {telemetry.lateness, metrics.Histogram(Family("estuary_bridge_lateness_seconds"), labels_)});
  histograms_.push_back(
      {telemetry.action_latency,
       metrics.Histogram(Family("estuary_bridge_action_latency_seconds"), labels_)});
  Set(Family("estuary_bridge_control_period_seconds"), period_s_);
  const Limits& limits = task.loop.limits;
  for (int i = 0; i < limits.axis_count; ++i) {
    if (limits.axes[i].index != figures_.tilt) continue;
    Set(Family("estuary_bridge_tilt_limit_radians"), limits.axes[i].off);
  }
}

process::Labels LoopMetrics::With(const char* name, const std::string& value) const {
  process::Labels labels = labels_;
  labels[name] = value;
  return labels;
}

void LoopMetrics::AddCounters(const LoopCounters& counters) {
  const auto add = [this](const Counter& from, process::CounterFamily family,
                          const process::Labels& labels) {
    counters_.push_back({from, metrics_.Counter(family, labels)});
  };
  add(counters.ticks, Family("estuary_bridge_ticks_total"), labels_);
  add(counters.missed_ticks, Family("estuary_bridge_missed_ticks_total"), labels_);
  add(counters.observation_gaps, Family("estuary_bridge_observation_gaps_total"), labels_);
  const process::CounterFamily bad = Family("estuary_bridge_bad_observations_total");
  add(counters.observations_invalid, bad, With("fault", "invalid"));
  add(counters.observations_stale, bad, With("fault", "stale"));
  add(counters.observations_out_of_order, bad, With("fault", "out_of_order"));
  const process::CounterFamily limited = Family("estuary_bridge_limited_actions_total");
  add(counters.actions_clamped, limited, With("limit", "clamped"));
  add(counters.actions_rate_limited, limited, With("limit", "rate"));
  add(counters.actions_blended, limited, With("limit", "blended"));
  add(counters.actions_not_finite, limited, With("limit", "not_finite"));
  add(counters.transitions_recorded, Family("estuary_bridge_transitions_recorded_total"), labels_);
  const process::CounterFamily by_source = Family("estuary_bridge_transitions_total");
  add(counters.policy_transitions, by_source, With("source", "policy"));
  add(counters.operator_transitions, by_source, With("source", "operator"));
  add(counters.fallback_transitions, by_source, With("source", "fallback"));
  const process::CounterFamily episodes = Family("estuary_bridge_episodes_total");
  add(counters.episodes_terminated, episodes, With("end", "terminated"));
  add(counters.episodes_truncated, episodes, With("end", "truncated"));
  add(counters.transitions_dropped, Family("estuary_bridge_transitions_dropped_total"), labels_);
  add(counters.policy_swaps, Family("estuary_bridge_policy_swaps_total"), labels_);
}

void LoopMetrics::Set(process::GaugeFamily family, double value) {
  metrics_.Gauge(family, labels_).Set(value);
}

void LoopMetrics::Raise(process::CounterFamily family, uint64_t total,
                        const process::Labels& labels) {
  process::RaiseTo(metrics_.Counter(family, labels), static_cast<double>(total));
}

void LoopMetrics::CountStateTime(int64_t now) {
  const int64_t spent = now - std::exchange(state_since_, now);
  if (spent <= 0) return;
  metrics_.Counter(Family("estuary_bridge_state_seconds_total"), With("state", Name(state_)))
      .Increment(1e-9 * static_cast<double>(spent));
}

void LoopMetrics::CountChange(const StateChange& change) {
  CountStateTime(change.at_ns);
  state_ = change.to;
  process::Labels labels = With("from", Name(change.from));
  labels["to"] = Name(change.to);
  labels["reason"] = Code(change.event);
  metrics_.Counter(Family("estuary_bridge_state_changes_total"), labels).Increment();
}

void LoopMetrics::CountLateTick(LateCause cause) {
  metrics_.Counter(Family("estuary_bridge_late_ticks_total"), With("cause", Name(cause)))
      .Increment();
}

void LoopMetrics::FoldHistogram(FoldedHistogram& histogram) {
  const Histogram::Counts counts = histogram.from.Read();
  const uint64_t sum_us = histogram.from.SumUs();
  // One slot for each edge and one beyond the last.
  std::vector<double> increments(kLoopSeconds.size() + 1, 0);
  size_t slot = 0;
  for (int i = 0; i < Histogram::kBuckets; ++i) {
    const double upper = 1e-6 * Histogram::UpperUs(i);
    while (slot < kLoopSeconds.size() && upper > kLoopSeconds[slot] * (1 + 1e-9)) ++slot;
    increments[slot] += static_cast<double>(counts[i] - histogram.seen[i]);
  }
  histogram.to.ObserveMultiple(increments,
                               1e-6 * static_cast<double>(sum_us - histogram.seen_sum_us));
  histogram.seen = counts;
  histogram.seen_sum_us = sum_us;
}

void LoopMetrics::Fold(const LoopStatus& status, const Driver::LinkStatus& link) {
  for (FoldedCounter& counter : counters_) {
    const uint64_t value = counter.from.Get();
    counter.to.Increment(static_cast<double>(value - counter.seen));
    counter.seen = value;
  }
  for (FoldedHistogram& histogram : histograms_) FoldHistogram(histogram);
  FoldState(status);
  FoldLink(link);
  FoldObservation(status);
}

void LoopMetrics::FoldState(const LoopStatus& status) {
  CountStateTime(Now());
  for (const State state : kStates) {
    metrics_.Gauge(Family("estuary_bridge_state"), With("state", Name(state)))
        .Set(state == status.state ? 1 : 0);
  }
  Set(Family("estuary_bridge_episode_return"), status.episode_return);
  Set(Family("estuary_bridge_episode_seconds"),
      period_s_ * static_cast<double>(status.episode_ticks));
  Set(Family("estuary_bridge_policy_version"), status.policy_version);
  if (status.policy_version == policy_version_) return;
  policy_version_ = status.policy_version;
  process::SetPolicyVersion(policy_version_);
  metrics_.Age(Family("estuary_bridge_policy_age_seconds"), labels_).Set(absl::Now());
}

void LoopMetrics::FoldLink(const Driver::LinkStatus& link) {
  Set(Family("estuary_bridge_robot_connected"), link.connected ? 1 : 0);
  Raise(Family("estuary_bridge_robot_connections_total"), link.links, labels_);
  Raise(Family("estuary_bridge_refused_robots_total"), link.refused, labels_);
  Raise(Family("estuary_bridge_bad_observations_total"), link.overflowed,
        With("fault", "overflowed"));
  const process::CounterFamily frames = Family("estuary_bridge_bad_frames_total");
  Raise(frames, link.corrupt, With("fault", "corrupt"));
  Raise(frames, link.duplicate, With("fault", "duplicate"));
  Raise(frames, link.out_of_order, With("fault", "out_of_order"));
  Raise(frames, link.foreign, With("fault", "foreign"));
}

void LoopMetrics::FoldObservation(const LoopStatus& status) {
  if (status.observation_ns == 0) return;
  metrics_.Age(Family("estuary_bridge_observation_age_seconds"), labels_)
      .Set(absl::Now() - absl::Nanoseconds(Now() - status.observation_ns));
  const auto show = [&](int index, process::GaugeFamily family) {
    if (index >= 0 && index < static_cast<int>(status.observation_dim)) {
      Set(family, status.observation[static_cast<size_t>(index)]);
    }
  };
  show(figures_.tilt, Family("estuary_bridge_tilt_radians"));
  show(figures_.position, Family("estuary_bridge_position_meters"));
  show(figures_.speed, Family("estuary_bridge_speed_meters_per_second"));
}

void LoopMetrics::FoldSpool(const Spool& spool, uint64_t rows_lost) {
  const uint64_t acknowledged = spool.acknowledged();
  if (!std::exchange(spool_seen_, true)) spool_start_ = acknowledged;
  Set(Family("estuary_bridge_spool_waiting_rows"),
      static_cast<double>(spool.next() - acknowledged));
  Raise(Family("estuary_bridge_spool_acknowledged_rows_total"), acknowledged - spool_start_,
        labels_);
  Set(Family("estuary_bridge_spool_used_ratio"), spool.used());
  Set(Family("estuary_bridge_spool_bytes"), static_cast<double>(spool.bytes()));
  Set(Family("estuary_bridge_spool_capacity_bytes"), static_cast<double>(spool.limit()));
  Set(Family("estuary_bridge_spool_room_rows"), static_cast<double>(spool.room()));
  Set(Family("estuary_bridge_spool_oldest_age_seconds"), spool.oldest_seconds());
  Raise(Family("estuary_bridge_spool_lost_rows_total"), rows_lost, labels_);
}

}  // namespace estuary::bridge
