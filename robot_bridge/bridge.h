// The whole bridge: driver, loop, recorder, operators, policies, in their order of life.
//
// Threads: the loop (real-time), the driver's sender (real-time, below the loop), recorder, policy
// feed, operator desk, shipper and gRPC's own at normal priority. The loop shares no lock with any
// of them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/process/metrics.h"
#include "robot_bridge/drivers/drivers.h"
#include "robot_bridge/loop/realtime.h"
#include "robot_bridge/spool/spool.h"
#include "robot_bridge/tasks.h"

namespace estuary::bridge {

struct BridgeOptions {
  std::string robot = "robot";
  RobotTask task;
  // How the robot connects; its realtime settings follow from `realtime`.
  DriverOptions driver;
  // Where operators connect, and robots over gRPC.
  std::vector<std::string> listen;
  // At most one of the two; neither: the fallback controller and operators drive.
  std::string policy_file;
  std::string learner;
  // The replay's shards; empty: it drives and records nothing.
  std::vector<std::string> replay;
  std::string table = "real";
  Spool::Options spool;
  // Where the seconds before a fault are written as CSV; empty: nowhere.
  std::string flight_dir;
  RealtimeOptions realtime;
  // Start only with everything that `realtime` asks for.
  bool require_realtime = false;
};

class Bridge {
 public:
  // `metrics` outlives the bridge. Nothing of gRPC may have run in the process, because gRPC's
  // threads inherit their priority from the one that starts them; that is the caller, which keeps
  // it.
  static absl::StatusOr<std::unique_ptr<Bridge>> Start(const BridgeOptions& options,
                                                       process::Metrics* metrics);
  // Motors off, then everything down; what is recorded is in the spool or at the replay.
  // Idempotent.
  void Stop();
  ~Bridge();

  const std::vector<std::string>& addresses() const;
  // Where a robot connects (connect.h).
  std::string robot_address() const;
  // Times that the loop has gone round, at least once a control period while it is alive.
  uint64_t turns() const;
  // The system gave everything real-time that was asked for.
  bool realtime() const;

 private:
  class Impl;
  explicit Bridge(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace estuary::bridge
