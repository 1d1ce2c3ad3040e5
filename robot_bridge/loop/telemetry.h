// What the loop's thread tells the others: counters, histograms, state changes, a status. All of it
// is written without a lock and read by a collector.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "robot_bridge/loop/histogram.h"
#include "robot_bridge/loop/mailbox.h"
#include "robot_bridge/loop/spsc_ring.h"
#include "robot_bridge/loop/states.h"
#include "robot_bridge/loop/types.h"
#include "robot_bridge/loop/wake_watch.h"

namespace estuary::bridge {

// One writer.
class Counter {
 public:
  void Add(uint64_t by = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
  uint64_t Get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

struct LoopCounters {
  // Times round, with or without an observation: the loop is alive.
  Counter turns;
  // Observations answered, and those that were not because a newer one had come, or because the
  // clock's tick had passed.
  Counter ticks;
  Counter missed_ticks;
  // Woke later than allowed, and those of them that found the ring of late ticks full.
  Counter late_ticks;
  Counter late_ticks_unseen;
  // Periods of which no transition could be made although the robot was driven.
  Counter observation_gaps;
  Counter observations_invalid;
  Counter observations_stale;
  // Not newer than one that came before.
  Counter observations_out_of_order;
  Counter actions_clamped;
  Counter actions_rate_limited;
  Counter actions_blended;
  Counter actions_not_finite;
  Counter transitions_recorded;
  // Of those, by who chose the action.
  Counter policy_transitions;
  Counter operator_transitions;
  Counter fallback_transitions;
  // And those that ended an episode.
  Counter episodes_terminated;
  Counter episodes_truncated;
  // The robot says that it was put back on its wheels.
  Counter episode_starts;
  // The ring to the spool was full.
  Counter transitions_dropped;
  Counter policy_swaps;
};

struct StateChange {
  int64_t at_ns = 0;
  uint64_t tick = 0;
  State from = State::kDisarmed;
  State to = State::kDisarmed;
  Event event = Event::kDisarm;
};

// One tick for the flight recorder.
struct TickRecord {
  int64_t at_ns = 0;
  uint64_t tick = 0;
  uint64_t sequence = 0;
  State state = State::kDisarmed;
  Source source = Source::kFallback;
  uint32_t policy_version = 0;
  int64_t age_us = 0;
  // Of the wake-up.
  int64_t lateness_ns = 0;
  uint32_t latency_us = 0;
  bool torque_on = false;
  ObservationArray observation{};
  ActionArray wanted{};
  ActionArray commanded{};
};

struct LoopStatus {
  State state = State::kDisarmed;
  // The event that led there; `changed` false: none yet.
  Event event = Event::kDisarm;
  bool changed = false;
  // Of the newest observation.
  uint64_t link = 0;
  // A transition is complete but held back: it will be recorded whatever comes.
  bool transition_held = false;
  uint32_t policy_version = 0;
  uint64_t episode_ticks = 0;
  double episode_return = 0;
  // When the newest observation came, 0: none yet.
  int64_t observation_ns = 0;
  uint64_t observation_sequence = 0;
  uint32_t observation_dim = 0;
  ObservationArray observation{};
};

struct LoopTelemetry {
  LoopTelemetry() : changes(256), late(256), ticks(1024), transitions(8192) {}

  LoopCounters counters;
  // Of the wake-up: since the observation came, or since the clock's deadline.
  Histogram lateness;
  // Observation in to command out.
  Histogram action_latency;
  SpscRing<StateChange> changes;
  SpscRing<LateTick> late;
  // Full: the newest are left out; nobody waits for this.
  SpscRing<TickRecord> ticks;
  SpscRing<Transition> transitions;
  Mailbox<LoopStatus> status;
};

}  // namespace estuary::bridge
