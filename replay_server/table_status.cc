// What a table tells about itself.
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
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
    status.set_writers(writers_connected_);
    status.set_followers(followers_connected_);
    status.set_weight(selector_->Weight(held()));
  }
  v1::TableWaits& waits = *status.mutable_waits();
  waits.set_writers_waiting_for_samples(absl::ToDoubleSeconds(writers_wait_.Total()));
  waits.set_samplers_waiting_for_inserts(absl::ToDoubleSeconds(samplers_wait_.Total()));
  waits.set_disk(absl::ToDoubleSeconds(disk_wait_.Total()));
  status.set_waiting(Waiting(absl::ZeroDuration()));
  return status;
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
  say(writers_wait_, writers);
  say(samplers_wait_, limited      ? absl::StrFormat("samplers wait for rows to be inserted: %d of "
                                                          "min_size %d in, difference %.1f",
                                                     inserted, config_.limiter().min_size(), difference)
                      : consumed() ? "samplers wait for rows"
                                   : "samplers wait for the first row");
  say(disk_wait_, "writers wait for the disk");
  return text;
}

void Table::CountRejected(uint64_t rows) {
  const absl::MutexLock lock(&mutex_);
  rejected_ += rows;
}

void Table::WriterConnected(int change) {
  const absl::MutexLock lock(&mutex_);
  writers_connected_ += change;
}

void Table::FollowerConnected(int change) {
  const absl::MutexLock lock(&mutex_);
  followers_connected_ += change;
}

}  // namespace estuary::replay
