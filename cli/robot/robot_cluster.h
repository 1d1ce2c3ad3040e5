// A robot's processes on this machine: a replay shard with table real, the bridge, and the emulated
// robot, in a folder of their own. They are not started again behind the robot's back: the first
// that dies ends the whole.
//
// Threads: everything on one, as Supervisor.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/cluster/scratch_folder.h"
#include "cli/cluster/supervisor.h"
#include "worlds/world.h"

namespace estuary::cli {

class RobotCluster {
 public:
  struct Options {
    worlds::TaskSpec task;
    std::vector<std::string> bridge_flags;
    std::vector<std::string> robot_flags;
  };

  static absl::StatusOr<std::unique_ptr<RobotCluster>> Start(const Options& options);
  ~RobotCluster();

  // Not OK where a process died; names it and quotes its log.
  absl::Status Poll() { return supervisor_.Poll(); }
  // The robot has ended by itself, its work done.
  bool RobotFinished() const { return supervisor_.Finished("robot"); }
  // Asks it to end; true once it has gone.
  bool EndRobot();

  const std::string& bridge() const { return bridge_; }
  const std::string& shard() const { return shard_; }
  std::string Log(const std::string& name) const { return scratch_->File(name + ".log"); }

  // Idempotent.
  void Stop();

 private:
  explicit RobotCluster(std::unique_ptr<ScratchFolder> scratch);

  absl::Status Plan(const Options& options);
  void Add(const std::string& name, const std::string& binary, std::vector<std::string> flags,
           int stage, bool may_finish);

  const std::unique_ptr<ScratchFolder> scratch_;
  const std::string shard_;
  const std::string bridge_;
  Supervisor supervisor_;
};

}  // namespace estuary::cli
