// How long a durable table's disk takes; observed once a group of blocks.
#pragma once

#include <string>

#include "common/process/metrics.h"
#include "replay_server/replay_metric_families.h"

namespace estuary::replay {

struct CommitMetrics {
  CommitMetrics(process::Metrics& metrics, const std::string& table)
      : fsync(metrics.Histogram(Family("estuary_replay_fsync_seconds"), {{"table", table}})),
        commit(metrics.Histogram(Family("estuary_replay_commit_seconds"), {{"table", table}})),
        failures(
            metrics.Counter(Family("estuary_replay_failed_commits_total"), {{"table", table}})) {}

  prometheus::Histogram& fsync;
  prometheus::Histogram& commit;
  prometheus::Counter& failures;
};

}  // namespace estuary::replay
