#include "robot_bridge/flight_recorder.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/process/files.h"
#include "common/process/status.h"

namespace estuary::bridge {

bool IsFault(const StateChange& change) {
  switch (change.event) {
    case Event::kEmergencyStop:
    case Event::kObservationInvalid:
    case Event::kObservationStale:
    case Event::kObservationsLost:
    case Event::kEnvelopeFallback:
    case Event::kEnvelopeOff:
    case Event::kPolicyInvalid:
      return true;
    default:
      return false;
  }
}

void FlightRecorder::Add(const TickRecord& tick) {
  ticks_.push_back(tick);
  if (ticks_.size() > options_.ticks) ticks_.pop_front();
}

void FlightRecorder::Fault(const StateChange& change) {
  // What follows a fault within the moment before it is written belongs to it.
  if (!fault_.has_value()) fault_ = change;
}

absl::StatusOr<std::optional<std::string>> FlightRecorder::WriteIfDue(int64_t now) {
  if (!fault_.has_value() || now - fault_->at_ns < options_.after_ns) return std::nullopt;
  const StateChange fault = *fault_;
  fault_.reset();
  if (options_.directory.empty()) return std::nullopt;
  ESTUARY_RETURN_IF_ERROR(process::CreateDirectories(options_.directory));
  const std::string path =
      absl::StrCat(options_.directory, "/", options_.robot, "-",
                   absl::FormatTime("%Y%m%dT%H%M%E3S", absl::Now(), absl::UTCTimeZone()), "-",
                   Code(fault.event), ".csv");
  ESTUARY_RETURN_IF_ERROR(process::WriteFileAtomically(path, ToCsv()));
  RemoveOldFiles();
  return path;
}

std::string FlightRecorder::ToCsv() const {
  std::string csv =
      "time_s,tick,sequence,state,source,policy_version,age_us,lateness_us,latency_us,torque_on";
  for (int i = 0; i < options_.observation_dim; ++i) absl::StrAppend(&csv, ",observation_", i);
  for (int i = 0; i < options_.action_dim; ++i) {
    absl::StrAppend(&csv, ",wanted_", i, ",commanded_", i);
  }
  csv += '\n';
  const int64_t start = ticks_.empty() ? 0 : ticks_.front().at_ns;
  for (const TickRecord& tick : ticks_) {
    absl::StrAppendFormat(&csv, "%.6f,%d,%d,%s,%d,%d,%d,%.1f,%d,%d",
                          1e-9 * static_cast<double>(tick.at_ns - start), tick.tick, tick.sequence,
                          Name(tick.state), static_cast<int>(tick.source), tick.policy_version,
                          tick.age_us, 1e-3 * static_cast<double>(tick.lateness_ns),
                          tick.latency_us, tick.torque_on ? 1 : 0);
    for (int i = 0; i < options_.observation_dim; ++i) {
      absl::StrAppend(&csv, ",", tick.observation[i]);
    }
    for (int i = 0; i < options_.action_dim; ++i) {
      absl::StrAppend(&csv, ",", tick.wanted[i], ",", tick.commanded[i]);
    }
    csv += '\n';
  }
  return csv;
}

void FlightRecorder::RemoveOldFiles() const {
  // Names of one robot sort by time.
  std::vector<std::string> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(options_.directory, error)) {
    const std::string name = entry.path().filename();
    if (absl::StartsWith(name, options_.robot + "-") && absl::EndsWith(name, ".csv")) {
      files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  for (size_t i = 0; i + options_.files_kept < files.size(); ++i) {
    std::filesystem::remove(files[i], error);
  }
}

}  // namespace estuary::bridge
