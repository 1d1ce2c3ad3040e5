// A table's Prometheus metrics, brought up to date once a second from what the table counts itself.
#pragma once

#include "common/process/metrics.h"
#include "estuary/v1/replay.pb.h"

namespace estuary::replay {

class TableMetrics {
 public:
  TableMetrics(process::Metrics& metrics, const std::string& table);

  void Update(const v1::TableStatus& status);

 private:
  prometheus::Gauge& rows_;
  prometheus::Gauge& bytes_;
  prometheus::Gauge& writers_;
  prometheus::Gauge& followers_;
  prometheus::Counter& inserted_;
  prometheus::Counter& sampled_;
  prometheus::Counter& duplicates_;
  prometheus::Counter& rejected_;
  prometheus::Counter& waited_for_samples_;
  prometheus::Counter& waited_for_inserts_;
  prometheus::Counter& waited_for_disk_;
};

}  // namespace estuary::replay
