// One drive: a policy, a bridge at 200 Hz, the emulated robot, and a replay shard that keeps what
// happens; all real processes, at the robot's own pace.
//
// Threads: as Training: everything on one thread, Poll several times a second. Several may run at
// once.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cli/drive/drive_data.h"
#include "cli/robot/operator_client.h"
#include "cli/robot/robot_cluster.h"
#include "worlds/world.h"

namespace estuary::cli {

struct DriveOptions {
  std::string policy;
  worlds::TaskSpec task;
  double seconds = 30;
  // Of the pose in which the robot is let go.
  uint64_t seed = 1;
  // Where to write the transitions and what came of it; empty: nowhere.
  std::string output;
};

class Drive {
 public:
  static absl::StatusOr<std::unique_ptr<Drive>> Start(DriveOptions options);
  ~Drive();

  // Looks after it; an error ends it.
  absl::Status Poll();
  bool done() const { return phase_ == Phase::kDone; }
  // Once done.
  const DriveData& data() const { return data_; }
  // Of the policy's drive so far.
  double seconds() const { return status_.episode_seconds(); }
  const v1::RobotStatus& status() const { return status_; }

  void Stop();

 private:
  enum class Phase { kStarting, kDriving, kSettling, kDone };

  Drive(DriveOptions options, std::unique_ptr<RobotCluster> cluster);

  absl::Status Begin();
  absl::Status Watch();
  absl::Status Settle();
  absl::Status Collect();
  absl::StatusOr<RobotReport> ReadReport() const;

  const DriveOptions options_;
  const std::unique_ptr<RobotCluster> cluster_;
  OperatorClient operator_;
  Phase phase_ = Phase::kStarting;
  absl::Time phase_since_;
  // Since when somebody else than the policy drives.
  absl::Time away_since_ = absl::InfiniteFuture();
  v1::RobotStatus status_;
  DriveData data_;
};

}  // namespace estuary::cli
