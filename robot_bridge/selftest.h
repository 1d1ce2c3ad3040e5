// Whether this machine can drive a robot: a whole bridge against a robot that only talks, for some
// seconds, over a socket of this machine; then a verdict in words.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "robot_bridge/bridge.h"
#include "robot_bridge/loop/histogram.h"

namespace estuary::bridge {

struct SelfTestReport {
  double seconds = 0;
  uint64_t observations = 0;
  uint64_t answered = 0;
  // Answers that came within the control period.
  uint64_t in_time = 0;
  // Of a 200 Hz clock's wake-up, and from an observation to its command.
  Histogram::Counts lateness{};
  double lateness_max_us = 0;
  Histogram::Counts round_trip{};
  double round_trip_max_us = 0;
  double period_us = 0;
  // What the system did not give.
  bool realtime = false;

  bool Fit() const;
  // Lines of figures, then "verdict: ...".
  std::string Words() const;
};

// `options` as for a real start; where it listens and what it records are left out.
absl::StatusOr<SelfTestReport> RunSelfTest(const BridgeOptions& options, double seconds);

}  // namespace estuary::bridge
