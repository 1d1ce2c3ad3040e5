// The physical robot played by a simulation, a control period at a time. This part knows no clock
// and no wire: it is told which commands arrived when, and integrates what they did.
//
// A period has five substeps of 1 ms; each is integrated under the newest command that had arrived
// by its end. So a command acts when it arrived, at most one substep early, and one that comes
// within the first millisecond has the whole period. What stands before a real robot's motors
// stands before these (motor_gate.h), the watchdog included: a command holds for 100 ms, then the
// motors go off.
//
// An episode begins when a person lets go of the robot: until a moment after the motors came on it
// is held in its start pose. It ends by a fall, by leaving the task's area, or when its time is
// over.
#pragma once

#include <cstdint>
#include <memory>

#include "robot_bridge/client/motor_gate.h"
#include "robot_bridge/emulator/plant.h"
#include "robot_bridge/loop/clock.h"
#include "worlds/random.h"

namespace estuary::bridge {

struct EmulatorOptions {
  Release release = Release::kEvaluation;
  uint64_t seed = 1;
  int64_t episode_periods = 6000;
  // Leaving the area ends an episode (as in the tasks), or does not (as while data are recorded).
  bool area_limited = true;
  // Periods that the robot is held with its motors on before it is let go, so that whoever is to
  // drive it has been chosen.
  int64_t hold_periods = 20;
  Watchdog watchdog;
  // From a command's arrival to its effect on the motors.
  int64_t actuation_delay_ns = 0;
};

enum class EpisodeEnd { kNone, kFallen, kLeftArea, kTime };

// Of the episode that runs or has just ended.
struct EpisodeSummary {
  int64_t periods = 0;
  double max_abs_x = 0;
  double final_x = 0;
  double episode_return = 0;
  // Commands' ages when they arrived, counted from their observation; and periods in which more
  // than one command was in force.
  int64_t commands = 0;
  int64_t lateness_sum_ns = 0;
  int64_t lateness_max_ns = 0;
  int64_t split_periods = 0;
  // The watchdog turned the motors off.
  int64_t unpowered_periods = 0;
  EpisodeEnd end = EpisodeEnd::kNone;
};

class Emulator {
 public:
  static constexpr int64_t kPeriodNs = 5 * kMillisecond;

  Emulator(const EmulatorOptions& options, std::unique_ptr<Plant> plant);

  void Arrived(const ReceivedCommand& command);

  // Somebody knocks it over, where it is not held.
  void Push();

  // The period that begins at `start_ns` is over: integrates it and gives the observation at its
  // end.
  Observation EndPeriod(int64_t start_ns);

  bool driven() const { return driven_; }
  const EpisodeSummary& episode() const { return episode_; }
  int64_t episodes_ended() const { return episodes_ended_; }

 private:
  void Integrate(int64_t start_ns, Observation& observation);
  void Hold();
  void NoteLateness(const ReceivedCommand& received);

  const EmulatorOptions options_;
  const std::unique_ptr<Plant> plant_;
  worlds::Random random_;
  MotorGate gate_;
  bool driven_ = false;
  // While it is held.
  int64_t powered_periods_ = 0;
  uint64_t sequence_ = 0;
  // When the last few observations were made, by sequence.
  std::array<int64_t, 64> made_ns_{};
  EpisodeSummary episode_;
  int64_t episodes_ended_ = 0;
};

}  // namespace estuary::bridge
