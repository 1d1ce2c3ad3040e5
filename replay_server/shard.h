// A shard: its data folder, its tables, and the thread that looks after them.
//
//   <data_dir>/shard_id           names the log, made once
//   <data_dir>/starts             counts starts: positions of tables in memory begin anew at each
//   <data_dir>/lock               held while a server uses the folder
//   <data_dir>/<table>/           segments of a durable table, checkpoints of one in memory
//
// The thread writes checkpoints, keeps the metrics, and says in the log who has been waiting for
// whom. Thread-safe.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/process/metrics.h"
#include "estuary/v1/replay.pb.h"
#include "replay_server/committer.h"
#include "replay_server/shard_metrics.h"
#include "replay_server/table.h"
#include "replay_server/table_metrics.h"

namespace estuary::replay {

// A table with what stands before it where it is durable.
struct ShardTable {
  using Appended = Committer::Appended;

  // As Committer::Append, for any table.
  absl::StatusOr<Appended> Append(const WriterSession& session, uint64_t first_sequence,
                                  v1::TransitionBlock& block, uint32_t first, bool bulk,
                                  const ListenerPtr& listener,
                                  absl::Span<const float> priorities = {});
  // As Committer::ErrorOf.
  absl::Status CommitError(const WriterSession& session) const;

  std::unique_ptr<Table> table;
  // Null for a table in memory.
  std::unique_ptr<Committer> committer;
};

class Shard {
 public:
  struct Options {
    std::string data_dir;
    v1::TableConfigs tables;
    // Bytes that tables may grow to; 0: nine tenths of what the machine or cgroup has.
    uint64_t memory_limit = 0;
    // Between checkpoints; infinite: only when asked and at the end.
    absl::Duration checkpoint_every = absl::Minutes(1);
    // Go on with a damaged log as far as it can be read.
    bool salvage = false;
    uint64_t segment_bytes = 64 << 20;
  };

  // `metrics` must outlive the shard.
  static absl::StatusOr<std::unique_ptr<Shard>> Open(const Options& options,
                                                     process::Metrics& metrics);
  ~Shard();

  const std::string& id() const { return id_; }
  // NOT_FOUND names the tables there are.
  absl::StatusOr<ShardTable*> Find(const std::string& table);
  v1::DescribeResponse Describe() const;

  // Writes a checkpoint of every table in memory.
  absl::StatusOr<v1::CheckpointResponse> Checkpoint();
  // On the shard's thread; `done` is called there, or with UNAVAILABLE when the shard closes first.
  void CheckpointInBackground(std::function<void(absl::StatusOr<v1::CheckpointResponse>)> done);

  // A seed that no other call gets in this process.
  uint64_t NextSeed() { return next_seed_.fetch_add(0x9e3779b97f4a7c15); }

 private:
  using Done = std::function<void(absl::StatusOr<v1::CheckpointResponse>)>;

  Shard(const Options& options, process::Metrics& metrics)
      : options_(options), metrics_(metrics), shard_metrics_(metrics, options.data_dir) {}

  absl::Status TakeFolder();
  absl::Status OpenTable(const v1::TableConfig& config);
  void Run();
  absl::StatusOr<v1::CheckpointResponse> WriteCheckpoints()
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(checkpoint_mutex_);
  void LogWaits();
  void UpdateMetrics();
  bool HasRequest() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || !requests_.empty();
  }

  const Options options_;
  process::Metrics& metrics_;
  std::string id_;
  uint64_t starts_ = 0;
  int lock_file_ = -1;
  // Never changed once open.
  std::map<std::string, ShardTable> tables_;
  std::map<std::string, TableMetrics> table_metrics_;
  ShardMetrics shard_metrics_;
  absl::Time next_disk_look_ = absl::InfinitePast();
  std::map<std::string, absl::Time> next_word_;
  std::atomic<uint64_t> next_seed_ = 1;

  // One checkpoint at a time.
  absl::Mutex checkpoint_mutex_;
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<Done> requests_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace estuary::replay
