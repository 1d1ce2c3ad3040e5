#include "cli/drive/drive_data.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "estuary/v1/transition.pb.h"

namespace estuary::cli {
namespace {

constexpr DriveEnd kEnds[] = {DriveEnd::kWhole, DriveEnd::kFell, DriveEnd::kLeftArea,
                              DriveEnd::kHandedOver, DriveEnd::kStopped};

// s' of row i is not s of row i + 1: something between them was not recorded.
bool GapAfter(const worlds::DatasetColumns& columns, size_t i) {
  const int width = columns.observation_dim;
  const auto next = columns.next_observation.begin() + i * width;
  return !std::equal(next, next + width, columns.observation.begin() + (i + 1) * width);
}

// Rows [first, last), over `seconds` in all.
Track TrackOf(const Recorded& recorded, size_t first, size_t last, double seconds, double period) {
  const worlds::DatasetColumns& columns = recorded.columns;
  const int width = columns.observation_dim;
  Track track{.observation_dim = width};
  size_t gaps = 0;
  for (size_t i = first; i + 1 < last; ++i) gaps += GapAfter(columns, i) ? 1 : 0;
  const double missing = std::max(0.0, seconds - period * static_cast<double>(last - first));
  const double per_gap = gaps == 0 ? 0 : missing / static_cast<double>(gaps);
  double time = 0;
  for (size_t i = first; i < last; ++i) {
    track.Add(time, absl::MakeConstSpan(columns.observation).subspan(i * width, width),
              columns.reward[i]);
    time += period;
    if (i + 1 == last || !GapAfter(columns, i)) continue;
    track.AddGap();
    time += per_gap;
  }
  return track;
}

}  // namespace

std::string DriveEndName(DriveEnd end) {
  switch (end) {
    case DriveEnd::kWhole:
      return "whole";
    case DriveEnd::kFell:
      return "fell";
    case DriveEnd::kLeftArea:
      return "left the area";
    case DriveEnd::kHandedOver:
      return "the fallback took over";
    case DriveEnd::kStopped:
      return "stopped";
  }
  return "?";
}

absl::StatusOr<DriveEnd> ParseDriveEnd(const std::string& name) {
  for (const DriveEnd end : kEnds) {
    if (name == DriveEndName(end)) return end;
  }
  return absl::InvalidArgumentError(absl::StrCat("'", name, "' is no end of a drive"));
}

absl::StatusOr<RobotReport> ParseRobotReport(const std::string& line) {
  std::map<std::string, std::string> fields;
  for (const absl::string_view word : absl::StrSplit(line, ' ', absl::SkipEmpty())) {
    const std::pair<std::string, std::string> field = absl::StrSplit(word, absl::MaxSplits('=', 1));
    fields.insert(field);
  }
  RobotReport report;
  report.end = fields["end"];
  const auto number = [&](const std::string& name, double* value) {
    return absl::SimpleAtod(fields[name], value);
  };
  if (fields["episode"].empty() || report.end.empty() ||
      !number("survival_s", &report.survival_seconds) ||
      !number("return", &report.episode_return) || !number("max_abs_x", &report.max_abs_x) ||
      !number("final_x", &report.final_x)) {
    return absl::InvalidArgumentError(absl::StrCat("no report of an episode: '", line, "'"));
  }
  return report;
}

std::pair<size_t, size_t> PolicyRows(const Recorded& recorded, size_t handover_rows) {
  const std::vector<uint8_t>& source = recorded.source;
  const auto is_policy = [](uint8_t s) { return s == v1::TRANSITION_SOURCE_POLICY; };
  const size_t first = std::find_if(source.begin(), source.end(), is_policy) - source.begin();
  size_t last = first;
  for (size_t i = first; i < source.size() && i < last + handover_rows; ++i) {
    if (is_policy(source[i])) last = i + 1;
  }
  return {first, last};
}

DriveData MakeDriveData(const Recorded& recorded, const RobotReport& report,
                        const v1::RobotStatus& status, double seconds_asked,
                        double control_period) {
  DriveData drive;
  drive.seconds_asked = seconds_asked;
  drive.lateness_p50_us = status.lateness_p50_us();
  drive.lateness_p99_us = status.lateness_p99_us();
  drive.lateness_max_us = status.lateness_max_us();
  drive.ticks = status.ticks();
  drive.missed_ticks = status.missed_ticks();
  const auto handover_rows = static_cast<size_t>(std::lround(kHandoverSeconds / control_period));
  const auto [first, last] = PolicyRows(recorded, handover_rows);
  drive.transitions = last - first;
  for (size_t i = first; i < last; ++i) {
    drive.fallback_transitions += recorded.source[i] != v1::TRANSITION_SOURCE_POLICY ? 1 : 0;
  }
  // The bridge took the robot from the policy and did not give it back.
  if (last > first && recorded.source.size() - last >= handover_rows) {
    drive.end = DriveEnd::kHandedOver;
    drive.seconds = control_period * static_cast<double>(last - first);
    const bool has_position = recorded.columns.observation_dim == 4;
    for (size_t i = first; i < last; ++i) {
      drive.episode_return += recorded.columns.reward[i];
      if (!has_position) continue;
      drive.final_x = recorded.columns.next_observation[i * 4 + 2];
      drive.max_abs_x = std::max(drive.max_abs_x, std::abs(drive.final_x));
    }
  } else {
    drive.end = report.end == "time"        ? DriveEnd::kWhole
                : report.end == "fallen"    ? DriveEnd::kFell
                : report.end == "left_area" ? DriveEnd::kLeftArea
                                            : DriveEnd::kStopped;
    drive.seconds = report.survival_seconds;
    drive.episode_return = report.episode_return;
    drive.max_abs_x = report.max_abs_x;
    drive.final_x = report.final_x;
  }
  drive.track = TrackOf(recorded, first, last, drive.seconds, control_period);
  return drive;
}

}  // namespace estuary::cli
