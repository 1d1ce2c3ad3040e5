// What a table tells about itself.
#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "replay_server/table.h"

namespace estuary::replay {

v1::TableStatus Table::Status() const {
  v1::TableStatus status;
  *status.mutable_config() = config_;
  {
    const absl::ReaderMutexLock lock(&mutex_);
    status.set_rows(positions_.rows());
    status.set_first_cursor(positions_.first_cursor());
    status.set_next_cursor(positions_.next_cursor());
    status.set_bytes(positions_.rows() * schema_.row_bytes());
    status.set_inserted(inserted_);
    status.set_inserted_in_bulk(inserted_in_bulk_);
    status.set_sampled(limiter_.sampled());
    status.set_duplicates_dropped(duplicates_);
    status.set_rejected(rejected_);
    status.set_weight(selector_->Weight(held()));
    status.set_follower_lag(FollowerLag());
    if (newest_row_ != absl::InfinitePast()) {
      status.set_newest_row_age_seconds(absl::ToDoubleSeconds(absl::Now() - newest_row_));
    }
    if (config_.has_limiter()) status.set_limiter_difference(limiter_.difference());
  }
  status.set_writers(static_cast<uint32_t>(traffic_.writers));
  status.set_samplers(static_cast<uint32_t>(traffic_.samplers));
  status.set_received_bytes(traffic_.received_bytes);
  status.set_sent_bytes(traffic_.sent_bytes);
  const auto seconds = [](const WaitClock& clock) { return absl::ToDoubleSeconds(clock.Total()); };
  v1::TableWaits& waits = *status.mutable_waits();
  waits.set_writers_waiting_for_samples(seconds(traffic_.writers_for_samples));
  waits.set_samplers_waiting_for_inserts(seconds(traffic_.samplers_for_inserts));
  waits.set_disk(seconds(traffic_.writers_for_disk));
  waits.set_followers_waiting_for_inserts(seconds(traffic_.followers_for_inserts));
  waits.set_samplers_waiting_for_network(seconds(traffic_.samplers_for_network));
  waits.set_followers_waiting_for_network(seconds(traffic_.followers_for_network));
  {
    const absl::MutexLock lock(&traffic_.mutex);
    status.set_followers(static_cast<uint32_t>(traffic_.followers.size()));
  }
  status.set_waiting(Waiting(absl::ZeroDuration()));
  return status;
}

uint64_t Table::FollowerLag() const {
  const absl::MutexLock lock(&traffic_.mutex);
  uint64_t lag = 0;
  for (const FollowerCursor* follower : traffic_.followers) {
    const uint64_t cursor = std::min(follower->load(), positions_.next_cursor());
    // What left the ring is lost to it, and no longer ahead.
    const uint64_t row = std::max(positions_.RowAtOrAfter(cursor), positions_.first_row());
    lag = std::max(lag, positions_.next_row() - row);
  }
  return lag;
}

std::string Table::Waiting(absl::Duration at_least) const {
  double difference = 0;
  uint64_t inserted = 0;
  uint64_t rows = 0;
  {
    const absl::ReaderMutexLock lock(&mutex_);
    difference = limiter_.difference();
    inserted = limiter_.inserted();
    rows = positions_.rows();
  }
  std::string text;
  const auto say = [&](const WaitClock& clock, const std::string& who) {
    const absl::Duration since = clock.Current();
    if (clock.waiting() == 0 || since < at_least) return;
    absl::StrAppend(&text, text.empty() ? "" : "; ", clock.waiting(), " ", who, " (",
                    absl::StrFormat("%.1f", absl::ToDoubleSeconds(since)), " s)");
  };
  const bool limited = config_.has_limiter();
  std::string writers = "writers wait for samples to be drawn";
  if (limited) {
    absl::StrAppend(&writers, absl::StrFormat(": difference %.1f, error buffer %.1f", difference,
                                              config_.limiter().error_buffer()));
  }
  if (consumed()) absl::StrAppend(&writers, ": ", rows, " of ", capacity_, " rows held");
  say(traffic_.writers_for_samples, writers);
  say(traffic_.samplers_for_inserts,
      limited      ? absl::StrFormat("samplers wait for rows to be inserted: %d of "
                                          "min_size %d in, difference %.1f",
                                     inserted, config_.limiter().min_size(), difference)
      : consumed() ? "samplers wait for rows"
                   : "samplers wait for the first row");
  say(traffic_.writers_for_disk, "writers wait for the disk");
  say(traffic_.samplers_for_network, "samplers wait for the network or for themselves");
  say(traffic_.followers_for_network, "followers wait for the network or for themselves");
  return text;
}

void Table::CountRejected(uint64_t rows) {
  const absl::MutexLock lock(&mutex_);
  rejected_ += rows;
}

}  // namespace estuary::replay
