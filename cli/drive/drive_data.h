// What came of one drive of the robot by a policy, at the robot's own pace.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/data/recorded.h"
#include "cli/track/track.h"
#include "estuary/v1/robot.pb.h"

namespace estuary::cli {

// How the policy's time ended.
enum class DriveEnd { kWhole, kFell, kLeftArea, kHandedOver, kStopped };

// "whole", "fell", "left the area", ...; for people and files.
std::string DriveEndName(DriveEnd end);
absl::StatusOr<DriveEnd> ParseDriveEnd(const std::string& name);

struct DriveData {
  double seconds_asked = 0;
  // How long the policy drove.
  double seconds = 0;
  DriveEnd end = DriveEnd::kStopped;
  double max_abs_x = 0;
  double final_x = 0;
  double episode_return = 0;
  // Of the bridge's loop.
  double lateness_p50_us = 0;
  double lateness_p99_us = 0;
  double lateness_max_us = 0;
  uint64_t ticks = 0;
  uint64_t missed_ticks = 0;
  // Recorded; a period that two commands shared, or whose observation was lost, has none.
  uint64_t transitions = 0;
  // Of them, moments in which the bridge's fallback controller held the robot because an
  // observation was late, before the policy went on.
  uint64_t fallback_transitions = 0;
  // Of the policy's part.
  Track track;
};

// The line that the emulated robot prints about an episode: "episode=1 end=time survival_s=30.000
// ...". INVALID_ARGUMENT where it is none.
struct RobotReport {
  std::string end;
  double survival_seconds = 0;
  double episode_return = 0;
  double max_abs_x = 0;
  double final_x = 0;
};
absl::StatusOr<RobotReport> ParseRobotReport(const std::string& line);

// So long somebody else drives before the drive counts as handed over; shorter, it is a moment of
// bad timing after which the policy went on.
inline constexpr double kHandoverSeconds = 0.5;

// Rows [first, last) of what was recorded that the policy drove: from its first on, up to where
// others acted for `handover_rows` in a row, or to its last.
std::pair<size_t, size_t> PolicyRows(const Recorded& recorded, size_t handover_rows);

// Puts together what the robot said of itself, what the bridge counted, and what was recorded.
DriveData MakeDriveData(const Recorded& recorded, const RobotReport& report,
                        const v1::RobotStatus& status, double seconds_asked, double control_period);

}  // namespace estuary::cli
