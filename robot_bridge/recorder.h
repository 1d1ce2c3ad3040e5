// The loop's errands: a thread at normal priority that empties the loop's rings, puts transitions
// into the spool and makes them durable, writes state changes to the log and the status, and folds
// counters and histograms into the process's metrics.
//
// What the spool cannot take is counted and said, and is marked in the data: the last row before it
// is truncated, the next one belongs to another episode.
#pragma once

#include <memory>
#include <string>

#include "common/process/metrics.h"
#include "robot_bridge/drivers/driver.h"
#include "robot_bridge/loop/telemetry.h"
#include "robot_bridge/spool/spool.h"
#include "robot_bridge/status_board.h"
#include "robot_bridge/tasks.h"

namespace estuary::bridge {

class Recorder {
 public:
  struct Parts {
    std::string robot;
    RobotTask task;
    LoopTelemetry* telemetry = nullptr;
    // Null: transitions are counted and dropped.
    Spool* spool = nullptr;
    const Driver* driver = nullptr;
    StatusBoard* board = nullptr;
    // Where flights that ended in a fault are written; empty: nowhere.
    std::string flight_dir;
    process::Metrics* metrics = nullptr;
  };

  // Everything outlives the recorder.
  explicit Recorder(const Parts& parts);
  ~Recorder();

  // After the loop has ended: takes what is left, syncs, ends the thread. Idempotent.
  void Stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// A transition as a row of the task's schema, appended to `rows`.
void AppendRow(const LoopTask& task, const Transition& transition, std::string& rows);

}  // namespace estuary::bridge
