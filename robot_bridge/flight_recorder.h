// The last five seconds before a fault, tick by tick, as a CSV file that a person can open.
//
// The loop hands every tick's record over; this keeps the newest in memory and, a moment after a
// fault (so that the fault's own ticks are in it), writes them down. Only the newest few files are
// kept. Used by the recorder's thread.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "robot_bridge/loop/telemetry.h"

namespace estuary::bridge {

// Whether a change of state is one to look into afterwards: the bridge's doing, not an operator's.
bool IsFault(const StateChange& change);

class FlightRecorder {
 public:
  struct Options {
    // Empty: nothing is written.
    std::string directory;
    std::string robot;
    int observation_dim = 0;
    int action_dim = 0;
    size_t ticks = 1000;
    // After the fault.
    int64_t after_ns = 200 * 1'000'000;
    size_t files_kept = 20;
  };

  explicit FlightRecorder(const Options& options) : options_(options) {}

  void Add(const TickRecord& tick);
  void Fault(const StateChange& change);

  // Writes what is due at `now`; its path, or nothing where nothing is.
  absl::StatusOr<std::optional<std::string>> WriteIfDue(int64_t now);

 private:
  std::string ToCsv() const;
  void RemoveOldFiles() const;

  const Options options_;
  std::deque<TickRecord> ticks_;
  std::optional<StateChange> fault_;
};

}  // namespace estuary::bridge
