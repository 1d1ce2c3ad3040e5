// The loop's plain counters and histograms, and what is told of link and spool, as the process's
// Prometheus metrics (bridge_metric_families.h). Used by one thread.
#pragma once

#include <string>
#include <vector>

#include "common/process/metrics.h"
#include "robot_bridge/drivers/driver.h"
#include "robot_bridge/late_ticks.h"
#include "robot_bridge/loop/telemetry.h"
#include "robot_bridge/spool/spool.h"
#include "robot_bridge/tasks.h"

namespace estuary::bridge {

class LoopMetrics {
 public:
  // `telemetry` and `metrics` outlive this.
  LoopMetrics(const std::string& robot, const RobotTask& task, const LoopTelemetry& telemetry,
              process::Metrics& metrics);

  void CountChange(const StateChange& change);
  void CountLateTick(LateCause cause);
  // Adds what came since the last call.
  void Fold(const LoopStatus& status, const Driver::LinkStatus& link);
  void FoldSpool(const Spool& spool, uint64_t rows_lost);

 private:
  struct FoldedCounter {
    const Counter& from;
    prometheus::Counter& to;
    uint64_t seen = 0;
  };
  struct FoldedHistogram {
    const Histogram& from;
    prometheus::Histogram& to;
    Histogram::Counts seen{};
    uint64_t seen_sum_us = 0;
  };

  process::Labels With(const char* name, const std::string& value) const;
  void AddCounters(const LoopCounters& counters);
  static void FoldHistogram(FoldedHistogram& histogram);
  void FoldState(const LoopStatus& status);
  void FoldLink(const Driver::LinkStatus& link);
  void FoldObservation(const LoopStatus& status);
  // Until `now` it was in the state that it was last known to be in.
  void CountStateTime(int64_t now);
  void Set(process::GaugeFamily family, double value);
  void Raise(process::CounterFamily family, uint64_t total, const process::Labels& labels);

  const process::Labels labels_;
  const ObservedFigures figures_;
  const double period_s_;
  process::Metrics& metrics_;
  std::vector<FoldedCounter> counters_;
  std::vector<FoldedHistogram> histograms_;
  State state_ = State::kDisarmed;
  int64_t state_since_;
  uint32_t policy_version_ = 0;
  // Acknowledged before this process.
  uint64_t spool_start_ = 0;
  bool spool_seen_ = false;
};

}  // namespace estuary::bridge
