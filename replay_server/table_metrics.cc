#include "replay_server/table_metrics.h"

#include <algorithm>
#include <string>

namespace estuary::replay {
namespace {

// A counter follows a total; one that began before this process only grows from here.
void Raise(prometheus::Counter& counter, double total) {
  counter.Increment(std::max(0.0, total - counter.Value()));
}

prometheus::Counter& WaitCounter(process::Metrics& metrics, const std::string& table,
                                 const std::string& for_whom) {
  return metrics.Counter("estuary_replay_waited_seconds_total",
                         "Time in which somebody waited, by what for",
                         {{"table", table}, {"for", for_whom}});
}

}  // namespace

TableMetrics::TableMetrics(process::Metrics& metrics, const std::string& table)
    : rows_(metrics.Gauge("estuary_replay_rows", "Rows held", {{"table", table}})),
      bytes_(metrics.Gauge("estuary_replay_bytes", "Bytes of rows held", {{"table", table}})),
      writers_(metrics.Gauge("estuary_replay_writers", "Append streams open", {{"table", table}})),
      followers_(
          metrics.Gauge("estuary_replay_followers", "Follow streams open", {{"table", table}})),
      inserted_(
          metrics.Counter("estuary_replay_inserted_total", "Rows inserted", {{"table", table}})),
      sampled_(metrics.Counter("estuary_replay_sampled_total",
                               "Samples drawn, here or by followers", {{"table", table}})),
      duplicates_(metrics.Counter("estuary_replay_duplicates_total", "Rows sent again and dropped",
                                  {{"table", table}})),
      rejected_(metrics.Counter("estuary_replay_rejected_total", "Rows refused as malformed",
                                {{"table", table}})),
      waited_for_samples_(WaitCounter(metrics, table, "samples")),
      waited_for_inserts_(WaitCounter(metrics, table, "inserts")),
      waited_for_disk_(WaitCounter(metrics, table, "disk")) {}

void TableMetrics::Update(const v1::TableStatus& status) {
  rows_.Set(static_cast<double>(status.rows()));
  bytes_.Set(static_cast<double>(status.bytes()));
  writers_.Set(status.writers());
  followers_.Set(status.followers());
  Raise(inserted_, static_cast<double>(status.inserted()));
  Raise(sampled_, status.sampled());
  Raise(duplicates_, static_cast<double>(status.duplicates_dropped()));
  Raise(rejected_, static_cast<double>(status.rejected()));
  Raise(waited_for_samples_, status.waits().writers_waiting_for_samples());
  Raise(waited_for_inserts_, status.waits().samplers_waiting_for_inserts());
  Raise(waited_for_disk_, status.waits().disk());
}

}  // namespace estuary::replay
