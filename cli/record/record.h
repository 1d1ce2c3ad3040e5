// Recording for offline learning: somebody steers the robot over the bridge until table real holds
// enough transitions, and what is there becomes a dataset.
//
// The robot's processes are the caller's (addresses given), or a cluster of its own with the
// emulated robot, which is put back on its wheels after every episode and armed again. A robot of
// flesh is armed again by whoever holds the stick, by another operator, or, where the caller says
// so, by itself.
//
// Threads: everything on one, Poll several times a second; the hand is asked by the steersman's.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cli/data/recorded.h"
#include "cli/robot/operator_client.h"
#include "cli/robot/robot_cluster.h"
#include "cli/robot/steersman.h"
#include "cli/steer/hand.h"
#include "common/transition/schema.h"
#include "worlds/world.h"

namespace estuary::cli {

struct RecordOptions {
  worlds::TaskSpec task;
  // Rows that table real shall hold.
  uint64_t transitions = 0;
  std::string output;
  HandOptions hand;
  // Both empty: processes of its own.
  std::string bridge;
  std::vector<std::string> shards;
  // Longest episode.
  double episode_seconds = 10;
  // Arm the robot again without being asked to.
  bool rearm = false;
};

class Record {
 public:
  static absl::StatusOr<std::unique_ptr<Record>> Start(RecordOptions options);
  ~Record();

  // Looks after it; an error ends it.
  absl::Status Poll();
  bool done() const { return phase_ == Phase::kDone; }

  // In table real now.
  uint64_t rows() const { return rows_; }
  // What goes on, in a few words.
  const std::string& doing() const { return doing_; }
  const v1::RobotStatus& status() const { return status_; }
  const Hand& hand() const { return *hand_; }
  // Once done: what was written.
  const Recorded& recorded() const { return recorded_; }

  // The robot is left to its fallback controller; one of its own is turned off. Idempotent.
  void Stop();

 private:
  enum class Phase { kStarting, kSteering, kSettling, kDone };

  Record(RecordOptions options, std::unique_ptr<RobotCluster> cluster, std::unique_ptr<Hand> hand);

  std::optional<v1::OperatorAction> Answer(const v1::OperatorView& view);
  absl::Status Begin();
  absl::Status Steer();
  absl::Status TakeOver();
  absl::Status HearWishes();
  absl::Status CountRows();
  absl::Status Settle();
  absl::Status Collect();
  bool own() const { return cluster_ != nullptr; }

  const RecordOptions options_;
  const std::unique_ptr<RobotCluster> cluster_;
  const std::vector<std::string> shards_;
  const std::string bridge_;
  OperatorClient operator_;
  Phase phase_ = Phase::kStarting;
  absl::Time phase_since_;
  absl::Time counted_ = absl::InfinitePast();
  absl::Time took_over_ = absl::InfinitePast();
  v1::RobotStatus status_;
  uint64_t rows_ = 0;
  bool quit_ = false;
  std::string doing_ = "starting";
  Recorded recorded_;

  // The hand and the episode as it knows it: the steersman's, and Poll's for the wishes.
  std::mutex mutex_;
  const std::unique_ptr<Hand> hand_;
  uint32_t episode_ = 0;
  uint64_t episode_views_ = 0;
  uint64_t link_ = 0;
  uint64_t sequence_ = 0;
  uint64_t starts_ = 0;
  uint64_t terminated_ = 0;

  // Last, so that it ends first.
  std::unique_ptr<Steersman> steersman_;
};

}  // namespace estuary::cli
