#include "replay_server/table_metrics.h"

#include <string>

#include "absl/time/clock.h"
#include "replay_server/limiter.h"
#include "replay_server/replay_metric_families.h"

namespace estuary::replay {
namespace {

using process::RaiseTo;

process::Labels With(process::Labels labels, const process::Labels& more) {
  labels.insert(more.begin(), more.end());
  return labels;
}

}  // namespace

TableMetrics::TableMetrics(process::Metrics& m, const v1::TableConfig& config)
    : metrics_(m),
      labels_({{"table", config.name()}}),
      rows_(m.Gauge(Family("estuary_replay_rows"), labels_)),
      bytes_(m.Gauge(Family("estuary_replay_bytes"), labels_)),
      disk_used_(m.Gauge(Family("estuary_replay_disk_used_bytes"), labels_)),
      writers_(m.Gauge(Family("estuary_replay_writers"), labels_)),
      samplers_(m.Gauge(Family("estuary_replay_samplers"), labels_)),
      followers_(m.Gauge(Family("estuary_replay_followers"), labels_)),
      follower_lag_(m.Gauge(Family("estuary_replay_follower_lag_rows"), labels_)),
      newest_row_(m.Age(Family("estuary_replay_newest_row_age_seconds"), labels_)),
      inserted_(m.Counter(Family("estuary_replay_inserted_rows_total"), labels_)),
      inserted_in_bulk_(m.Counter(Family("estuary_replay_bulk_inserted_rows_total"), labels_)),
      sampled_(m.Counter(Family("estuary_replay_sampled_rows_total"), labels_)),
      duplicates_(m.Counter(Family("estuary_replay_duplicate_rows_total"), labels_)),
      rejected_(m.Counter(Family("estuary_replay_rejected_rows_total"), labels_)),
      received_bytes_(m.Counter(Family("estuary_replay_received_bytes_total"), labels_)),
      sent_bytes_(m.Counter(Family("estuary_replay_sent_bytes_total"), labels_)),
      writers_for_samples_(m.Counter(Family("estuary_replay_waited_seconds_total"),
                                     With(labels_, {{"who", "writers"}, {"for", "samples"}}))),
      writers_for_disk_(m.Counter(Family("estuary_replay_waited_seconds_total"),
                                  With(labels_, {{"who", "writers"}, {"for", "disk"}}))),
      samplers_for_inserts_(m.Counter(Family("estuary_replay_waited_seconds_total"),
                                      With(labels_, {{"who", "samplers"}, {"for", "inserts"}}))),
      samplers_for_network_(m.Counter(Family("estuary_replay_waited_seconds_total"),
                                      With(labels_, {{"who", "samplers"}, {"for", "network"}}))),
      followers_for_inserts_(m.Counter(Family("estuary_replay_waited_seconds_total"),
                                       With(labels_, {{"who", "followers"}, {"for", "inserts"}}))),
      followers_for_network_(m.Counter(Family("estuary_replay_waited_seconds_total"),
                                       With(labels_, {{"who", "followers"}, {"for", "network"}}))) {
  m.Gauge(Family("estuary_replay_capacity_rows"), labels_)
      .Set(static_cast<double>(config.capacity()));
  if (!config.has_limiter()) return;
  const auto state = [&](const char* name) -> prometheus::Gauge& {
    return m.Gauge(Family("estuary_replay_limiter_state"), With(labels_, {{"state", name}}));
  };
  m.Gauge(Family("estuary_replay_samples_per_insert_ratio"),
          With(labels_, {{"kind", "configured"}}))
      .Set(config.limiter().samples_per_insert());
  m.Gauge(Family("estuary_replay_limiter_error_buffer"), labels_)
      .Set(config.limiter().error_buffer());
  limited_.emplace(
      Limited{.difference = m.Gauge(Family("estuary_replay_limiter_difference"), labels_),
              .open = state("open"),
              .inserts_blocked = state("inserts_blocked"),
              .samples_blocked = state("samples_blocked")});
}

void TableMetrics::Update(const v1::TableStatus& status) {
  rows_.Set(static_cast<double>(status.rows()));
  bytes_.Set(static_cast<double>(status.bytes()));
  writers_.Set(status.writers());
  samplers_.Set(status.samplers());
  followers_.Set(status.followers());
  follower_lag_.Set(static_cast<double>(status.follower_lag()));
  if (status.has_newest_row_age_seconds()) {
    newest_row_.Set(absl::Now() - absl::Seconds(status.newest_row_age_seconds()));
  }
  RaiseTo(inserted_, static_cast<double>(status.inserted()));
  RaiseTo(inserted_in_bulk_, static_cast<double>(status.inserted_in_bulk()));
  RaiseTo(sampled_, status.sampled());
  RaiseTo(duplicates_, static_cast<double>(status.duplicates_dropped()));
  RaiseTo(rejected_, static_cast<double>(status.rejected()));
  RaiseTo(received_bytes_, static_cast<double>(status.received_bytes()));
  RaiseTo(sent_bytes_, static_cast<double>(status.sent_bytes()));
  const v1::TableWaits& waits = status.waits();
  RaiseTo(writers_for_samples_, waits.writers_waiting_for_samples());
  RaiseTo(writers_for_disk_, waits.disk());
  RaiseTo(samplers_for_inserts_, waits.samplers_waiting_for_inserts());
  RaiseTo(samplers_for_network_, waits.samplers_waiting_for_network());
  RaiseTo(followers_for_inserts_, waits.followers_waiting_for_inserts());
  RaiseTo(followers_for_network_, waits.followers_waiting_for_network());
  if (limited_) UpdateLimiter(status);
}

void TableMetrics::UpdateLimiter(const v1::TableStatus& status) {
  const v1::SamplesPerInsert& config = status.config().limiter();
  const uint64_t inserted = status.inserted() - status.inserted_in_bulk();
  if (inserted > config.min_size()) {
    metrics_
        .Gauge(Family("estuary_replay_samples_per_insert_ratio"),
               With(labels_, {{"kind", "actual"}}))
        .Set(status.sampled() / static_cast<double>(inserted - config.min_size()));
  }
  limited_->difference.Set(status.limiter_difference());
  Limiter limiter(config);
  limiter.Restore(inserted, status.sampled());
  const bool inserts_blocked = limiter.InsertsAllowed() == 0;
  const bool samples_blocked = !limiter.SampleAllowed(1);
  limited_->inserts_blocked.Set(inserts_blocked ? 1 : 0);
  limited_->samples_blocked.Set(samples_blocked ? 1 : 0);
  limited_->open.Set(inserts_blocked || samples_blocked ? 0 : 1);
}

}  // namespace estuary::replay
