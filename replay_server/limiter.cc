#include "replay_server/limiter.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"

namespace estuary::replay {

absl::Status Limiter::Check(const v1::SamplesPerInsert& config, uint64_t capacity) {
  const double ratio = config.samples_per_insert();
  const double buffer = config.error_buffer();
  if (!std::isfinite(ratio) || ratio <= 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("limiter: samples_per_insert is ", ratio, "; it must be above 0"));
  }
  if (!std::isfinite(buffer) || buffer < std::max(1.0, ratio)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "limiter: error_buffer ", buffer, " is below max(1, samples_per_insert) = ",
        std::max(1.0, ratio), ": with ", config.min_size(), " rows in and none drawn, one more row",
        " would make the difference ", ratio, " * 1 - 0 = ", ratio, " > ", buffer,
        ", so nothing could ever be inserted; make error_buffer some times samples_per_insert"));
  }
  if (config.min_size() > capacity) {
    return absl::InvalidArgumentError(absl::StrCat("limiter: min_size ", config.min_size(),
                                                   " is above the table's capacity of ", capacity,
                                                   " rows; it could never be reached"));
  }
  return absl::OkStatus();
}

absl::Status Limiter::CheckConsumed(const v1::SamplesPerInsert& config, const Consumption& table) {
  const double ratio = config.samples_per_insert();
  const double buffer = config.error_buffer();
  const double times = table.max_times;
  const auto capacity = static_cast<double>(table.capacity);
  // Samples that inserts have ahead of them when they stop.
  const double ahead = buffer + ratio * static_cast<double>(config.min_size());
  const std::string both =
      absl::StrCat("samples_per_insert ", ratio, " and max_times_sampled ", table.max_times);
  if (ratio > times) {
    return absl::InvalidArgumentError(
        absl::StrCat(both, " must stop for ever: ", ratio,
                     " samples are wanted for each row and it can be drawn ", times,
                     " times; with all drawn after ", std::ceil(ahead / (ratio - times)) + 1,
                     " rows, the difference is above the error_buffer of ", buffer,
                     ", and there is nothing left to draw"));
  }
  if (!table.evicts && ratio < times) {
    return absl::InvalidArgumentError(absl::StrCat(
        both,
        " must stop for ever in a table that never evicts: a row makes room when it was drawn ",
        times, " times, and only ", ratio, " samples are let through for each; after ",
        std::floor((ratio * (capacity - static_cast<double>(config.min_size())) + buffer) /
                   (times - ratio)),
        " rows have gone, the table is full and no sample is due; make them equal, or let the "
        "table "
        "evict (REMOVER_FIFO)"));
  }
  if (ratio < times || !table.evicts) return absl::OkStatus();
  if (!table.in_order) {
    return absl::InvalidArgumentError(absl::StrCat(
        both, " can stop for ever: rows that are evicted before they were drawn ", times,
        " times leave samples due that nothing is left for; make max_times_sampled larger, or the "
        "selector SELECTOR_FIFO"));
  }
  if (capacity * times < ahead) {
    return absl::InvalidArgumentError(absl::StrCat(
        both,
        " can stop for ever: inserts run up to error_buffer + samples_per_insert * min_size = ",
        ahead, " samples ahead, and the capacity of ", table.capacity, " rows has only ",
        capacity * times, " draws: the rest would be evicted undrawn; raise the capacity to ",
        std::ceil(ahead / times)));
  }
  return absl::OkStatus();
}

absl::Status Limiter::CheckBatch(uint32_t batch_size) const {
  if (!config_) return absl::OkStatus();
  const double ratio = config_->samples_per_insert();
  const double buffer = config_->error_buffer();
  if (2 * buffer >= ratio + batch_size) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "batches of ", batch_size, " rows can block this table for ever: an insert waits above ",
      buffer, " - ", ratio, ", a batch below ", batch_size, " - ", buffer,
      ", and both are true at once between them; the limiter's error_buffer must be at least ",
      (ratio + batch_size) / 2));
}

double Limiter::difference() const {
  if (!config_) return 0;
  return config_->samples_per_insert() *
             (static_cast<double>(inserted_) - static_cast<double>(config_->min_size())) -
         sampled_;
}

uint64_t Limiter::InsertsAllowed() const {
  if (!config_) return kUnlimited;
  const double until =
      std::floor((config_->error_buffer() + sampled_) / config_->samples_per_insert()) +
      static_cast<double>(config_->min_size());
  const double allowed = until - static_cast<double>(inserted_);
  if (allowed <= 0) return 0;
  return allowed < 1e18 ? static_cast<uint64_t>(allowed) : kUnlimited;
}

bool Limiter::SampleAllowed(uint64_t rows) const {
  if (!config_) return true;
  return inserted_ >= config_->min_size() &&
         difference() - static_cast<double>(rows) >= -config_->error_buffer();
}

uint64_t Limiter::SamplesAllowed() const {
  if (!config_) return kUnlimited;
  const double most = std::floor(difference() + config_->error_buffer());
  if (most <= 0 || !SampleAllowed(0)) return 0;
  auto rows = static_cast<uint64_t>(std::min(most, 1e18));
  // Rounding may say one more here than there.
  return SampleAllowed(rows) ? rows : rows - 1;
}

void Limiter::Restore(uint64_t inserted, double sampled) {
  inserted_ = inserted;
  sampled_ = sampled;
}

void Limiter::Balance() {
  if (!config_) return;
  const uint64_t past = inserted_ > config_->min_size() ? inserted_ - config_->min_size() : 0;
  sampled_ = config_->samples_per_insert() * static_cast<double>(past);
}

}  // namespace estuary::replay
