// The Prometheus metrics of a shard beside its tables': its disk and its checkpoints.
#pragma once

#include <string>

#include "absl/time/time.h"
#include "common/process/metrics.h"

namespace estuary::replay {

class ShardMetrics {
 public:
  ShardMetrics(process::Metrics& metrics, const std::string& data_dir);

  // Asks the file system.
  void UpdateDisk();
  void AddCheckpoint(bool written, absl::Duration took);

 private:
  const std::string data_dir_;
  prometheus::Gauge& disk_free_;
  prometheus::Gauge& disk_size_;
  process::AgeGauge& checkpoint_age_;
  prometheus::Histogram& checkpoint_seconds_;
  prometheus::Counter& checkpoint_failures_;
};

// Of the files in a folder; those that go meanwhile are not counted.
uint64_t BytesOfFiles(const std::string& folder);

}  // namespace estuary::replay
