// A table's Prometheus metrics (replay_metric_families.h), brought up to date once a second from
// what the table counts itself.
#pragma once

#include <optional>
#include <string>

#include "common/process/metrics.h"
#include "estuary/v1/replay.pb.h"

namespace estuary::replay {

class TableMetrics {
 public:
  TableMetrics(process::Metrics& metrics, const v1::TableConfig& config);

  void Update(const v1::TableStatus& status);
  // Bytes of its files.
  void SetDiskUsed(uint64_t bytes) { disk_used_.Set(static_cast<double>(bytes)); }

 private:
  struct Limited {
    prometheus::Gauge& difference;
    prometheus::Gauge& open;
    prometheus::Gauge& inserts_blocked;
    prometheus::Gauge& samples_blocked;
  };

  void UpdateLimiter(const v1::TableStatus& status);

  process::Metrics& metrics_;
  const process::Labels labels_;
  prometheus::Gauge& rows_;
  prometheus::Gauge& bytes_;
  prometheus::Gauge& disk_used_;
  prometheus::Gauge& writers_;
  prometheus::Gauge& samplers_;
  prometheus::Gauge& followers_;
  prometheus::Gauge& follower_lag_;
  process::AgeGauge& newest_row_;
  prometheus::Counter& inserted_;
  prometheus::Counter& inserted_in_bulk_;
  prometheus::Counter& sampled_;
  prometheus::Counter& duplicates_;
  prometheus::Counter& rejected_;
  prometheus::Counter& received_bytes_;
  prometheus::Counter& sent_bytes_;
  prometheus::Counter& writers_for_samples_;
  prometheus::Counter& writers_for_disk_;
  prometheus::Counter& samplers_for_inserts_;
  prometheus::Counter& samplers_for_network_;
  prometheus::Counter& followers_for_inserts_;
  prometheus::Counter& followers_for_network_;
  // Where the table has a limiter.
  std::optional<Limited> limited_;
};

}  // namespace estuary::replay
