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

bool Limiter::SampleAllowed(uint32_t rows) const {
  if (!config_) return true;
  return inserted_ >= config_->min_size() && difference() - rows >= -config_->error_buffer();
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
