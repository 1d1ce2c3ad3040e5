// The loop's plain counters and histograms as the process's Prometheus metrics. Used by one thread.
#pragma once

#include <string>
#include <vector>

#include "common/process/metrics.h"
#include "robot_bridge/drivers/driver.h"
#include "robot_bridge/late_ticks.h"
#include "robot_bridge/loop/telemetry.h"
#include "robot_bridge/spool/spool.h"

namespace estuary::bridge {

class LoopMetrics {
 public:
  // Both outlive this.
  LoopMetrics(const std::string& robot, const LoopTelemetry& telemetry, process::Metrics& metrics);

  void CountChange(const StateChange& change);
  void CountLateTick(LateCause cause);
  // Adds what came since the last call. No spool: null.
  void Fold(const LoopStatus& status, const Driver::LinkStatus& link, const Spool* spool,
            uint64_t rows_lost);

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

  void AddCounter(const Counter& from, const std::string& name, const std::string& help);
  void FoldHistogram(FoldedHistogram& histogram);

  const process::Labels labels_;
  process::Metrics& metrics_;
  std::vector<FoldedCounter> counters_;
  std::vector<FoldedHistogram> histograms_;
};

}  // namespace estuary::bridge
