#include "robot_bridge/loop_metrics.h"

namespace estuary::bridge {
namespace {

// Edges in seconds: every second of the loop's own, which is precise enough for a dashboard.
std::vector<double> Edges() {
  std::vector<double> edges;
  for (int i = Histogram::kSubBuckets; i < Histogram::kBuckets - 1; i += 2) {
    edges.push_back(1e-6 * Histogram::UpperUs(i));
  }
  return edges;
}

}  // namespace

LoopMetrics::LoopMetrics(const std::string& robot, const LoopTelemetry& telemetry,
                         process::Metrics& metrics)
    : labels_({{"robot", robot}}), metrics_(metrics) {
  const LoopCounters& counters = telemetry.counters;
  AddCounter(counters.ticks, "ticks_total", "Observations answered");
  AddCounter(counters.missed_ticks, "missed_ticks_total",
             "Ticks skipped because the loop was late");
  AddCounter(counters.observation_gaps, "observation_gaps_total",
             "Driven periods of which no transition could be made");
  AddCounter(counters.observations_invalid, "observations_invalid_total",
             "Observations not finite or of another size");
  AddCounter(counters.observations_stale, "observations_stale_total",
             "Observations that came late");
  AddCounter(counters.observations_out_of_order, "observations_out_of_order_total",
             "Observations not newer than one before");
  AddCounter(counters.actions_clamped, "actions_clamped_total",
             "Actions cut to the largest allowed");
  AddCounter(counters.actions_rate_limited, "actions_rate_limited_total",
             "Actions whose change was limited");
  AddCounter(counters.actions_blended, "actions_blended_total",
             "Actions mixed with the fallback's near the envelope's edge");
  AddCounter(counters.actions_not_finite, "actions_not_finite_total",
             "Policy actions that were not finite");
  AddCounter(counters.transitions_recorded, "transitions_recorded_total", "Real transitions made");
  AddCounter(counters.policy_transitions, "policy_transitions_total",
             "Real transitions whose action a policy chose");
  AddCounter(counters.operator_transitions, "operator_transitions_total",
             "Real transitions whose action an operator chose");
  AddCounter(counters.fallback_transitions, "fallback_transitions_total",
             "Real transitions whose action the fallback controller chose");
  AddCounter(counters.episodes_terminated, "episodes_terminated_total",
             "Recorded episodes that ended in a terminal observation");
  AddCounter(counters.episodes_truncated, "episodes_truncated_total",
             "Recorded episodes that were cut: by a gap, by time, by motors off");
  AddCounter(counters.transitions_dropped, "transitions_dropped_total",
             "Real transitions lost because the ring to the spool was full");
  AddCounter(counters.policy_swaps, "policy_swaps_total", "Policy versions taken into use");
  histograms_.push_back(
      {telemetry.lateness, metrics.Histogram("estuary_bridge_lateness_seconds",
                                             "Lateness of the loop's wake-up", Edges(), labels_)});
  histograms_.push_back({telemetry.action_latency,
                         metrics.Histogram("estuary_bridge_action_latency_seconds",
                                           "Observation in to command out", Edges(), labels_)});
}

void LoopMetrics::AddCounter(const Counter& from, const std::string& name,
                             const std::string& help) {
  counters_.push_back({from, metrics_.Counter("estuary_bridge_" + name, help, labels_)});
}

void LoopMetrics::CountChange(const StateChange& change) {
  process::Labels labels = labels_;
  labels["from"] = Name(change.from);
  labels["to"] = Name(change.to);
  labels["reason"] = Code(change.event);
  metrics_.Counter("estuary_bridge_state_changes_total", "Changes of state by reason", labels)
      .Increment();
}

void LoopMetrics::CountLateTick(LateCause cause) {
  process::Labels labels = labels_;
  labels["cause"] = Name(cause);
  metrics_.Counter("estuary_bridge_late_ticks_total", "Late ticks by cause", labels).Increment();
}

void LoopMetrics::FoldHistogram(FoldedHistogram& histogram) {
  const Histogram::Counts counts = histogram.from.Read();
  const uint64_t sum_us = histogram.from.SumUs();
  // One slot for each edge and one beyond the last.
  const std::vector<double> edges = Edges();
  std::vector<double> increments(edges.size() + 1, 0);
  size_t slot = 0;
  for (int i = 0; i < Histogram::kBuckets; ++i) {
    while (slot < edges.size() && 1e-6 * Histogram::UpperUs(i) > edges[slot] * (1 + 1e-9)) ++slot;
    increments[slot] += static_cast<double>(counts[i] - histogram.seen[i]);
  }
  histogram.to.ObserveMultiple(increments,
                               1e-6 * static_cast<double>(sum_us - histogram.seen_sum_us));
  histogram.seen = counts;
  histogram.seen_sum_us = sum_us;
}

void LoopMetrics::Fold(const LoopStatus& status, const Driver::LinkStatus& link, const Spool* spool,
                       uint64_t rows_lost) {
  for (FoldedCounter& counter : counters_) {
    const uint64_t value = counter.from.Get();
    counter.to.Increment(static_cast<double>(value - counter.seen));
    counter.seen = value;
  }
  for (FoldedHistogram& histogram : histograms_) FoldHistogram(histogram);
  const auto gauge = [this](const std::string& name, const std::string& help, double value) {
    metrics_.Gauge("estuary_bridge_" + name, help, labels_).Set(value);
  };
  for (const State state : kStates) {
    process::Labels labels = labels_;
    labels["state"] = Name(state);
    metrics_.Gauge("estuary_bridge_state", "1 for the state that the bridge is in", labels)
        .Set(state == status.state ? 1 : 0);
  }
  gauge("policy_version", "Version in use, 0: none", status.policy_version);
  gauge("robot_connected", "1 while a robot is connected", link.connected ? 1 : 0);
  gauge("robot_links", "Connections of the robot so far", static_cast<double>(link.links));
  gauge("robots_refused", "Handshakes refused so far", static_cast<double>(link.refused));
  gauge("frames_corrupt", "Frames from the robot that came damaged",
        static_cast<double>(link.corrupt));
  gauge("frames_duplicate", "Frames from the robot that came twice",
        static_cast<double>(link.duplicate));
  gauge("frames_out_of_order", "Frames from the robot that came after a newer one",
        static_cast<double>(link.out_of_order));
  gauge("frames_foreign", "Frames that were not the connected robot's",
        static_cast<double>(link.foreign));
  gauge("observations_overflowed", "Observations that found the loop's queue full",
        static_cast<double>(link.overflowed));
  if (spool == nullptr) return;
  gauge("spool_rows_waiting", "Real transitions that the replay has not acknowledged",
        static_cast<double>(spool->next() - spool->acknowledged()));
  gauge("spool_used_ratio", "Part of the spool's limit, or of the disk's room, that is taken",
        spool->used());
  gauge("spool_room_rows", "Real transitions that the spool can still take",
        static_cast<double>(spool->room()));
  gauge("spool_oldest_seconds", "For how long the oldest transition has waited for the replay",
        spool->oldest_seconds());
  gauge("spool_rows_lost", "Real transitions that the spool could not take",
        static_cast<double>(rows_lost));
}

}  // namespace estuary::bridge
