#include "replay_server/shard_metrics.h"

#include <sys/statvfs.h>

#include <filesystem>
#include <system_error>

#include "absl/time/clock.h"
#include "replay_server/replay_metric_families.h"

namespace estuary::replay {

ShardMetrics::ShardMetrics(process::Metrics& m, const std::string& data_dir)
    : data_dir_(data_dir),
      disk_free_(m.Gauge(Family("estuary_replay_disk_free_bytes"))),
      disk_size_(m.Gauge(Family("estuary_replay_disk_size_bytes"))),
      checkpoint_age_(m.Age(Family("estuary_replay_checkpoint_age_seconds"))),
      checkpoint_seconds_(m.Histogram(Family("estuary_replay_checkpoint_seconds"))),
      checkpoint_failures_(m.Counter(Family("estuary_replay_checkpoint_failures_total"))) {}

void ShardMetrics::UpdateDisk() {
  struct statvfs disk {};
  if (statvfs(data_dir_.c_str(), &disk) != 0) return;
  const auto block = static_cast<double>(disk.f_frsize);
  disk_free_.Set(block * static_cast<double>(disk.f_bavail));
  disk_size_.Set(block * static_cast<double>(disk.f_blocks));
}

void ShardMetrics::AddCheckpoint(bool written, absl::Duration took) {
  if (!written) return checkpoint_failures_.Increment();
  checkpoint_age_.Set(absl::Now());
  checkpoint_seconds_.Observe(absl::ToDoubleSeconds(took));
}

uint64_t BytesOfFiles(const std::string& folder) {
  uint64_t bytes = 0;
  std::error_code error;
  std::filesystem::directory_iterator entry(folder, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    std::error_code gone;
    const uintmax_t size = entry->file_size(gone);
    if (!gone) bytes += size;
  }
  return bytes;
}

}  // namespace estuary::replay
