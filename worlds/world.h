// A world is one task in MuJoCo with one dynamics: the simulator's (which is wrong) or the real
// one's.
//
// Terms as in gymnasium: an episode is *terminated* when the task ends there (no bootstrapping
// beyond) and *truncated* when it is merely cut (time limit, out of the area; bootstrapping goes
// on). A world never resets by itself, so that the observation after a step is always s', never the
// next episode's first.
//
// Threads: a world is used by one thread at a time; different worlds are independent.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "estuary/v1/experiment.pb.h"
#include "worlds/random.h"

namespace estuary::worlds {

// What is the same for every world of a task.
struct TaskSpec {
  std::string name;
  int observation_dim = 0;
  int action_dim = 0;
  // Seconds between two steps.
  double control_period = 0;
  // Steps after which a training episode is truncated, and an evaluation episode.
  int training_steps = 0;
  int evaluation_steps = 0;
  // "pitch", "pitch_rate", ...; observation_dim of them, with units.
  std::vector<std::string> observation_names;
};

enum class Dynamics { kSim, kReal };

// How an episode begins and how long it may last.
enum class EpisodeKind {
  // Wide resets, training_steps.
  kTraining,
  // The task's evaluation protocol, evaluation_steps.
  kEvaluation,
};

struct StepResult {
  double reward = 0;
  bool terminated = false;
  bool truncated = false;
  // The simulation itself broke (and was put back to its start): reward and s' mean nothing, and
  // the row must not be recorded.
  bool diverged = false;
};

class World {
 public:
  virtual ~World() = default;

  virtual const TaskSpec& spec() const = 0;

  // Starts an episode: draws what the gap draws for it, writes the first observation
  // [observation_dim].
  virtual void Reset(EpisodeKind kind, Random& random, absl::Span<double> observation) = 0;

  // One control period under `action` [action_dim], clamped to [-1, 1] (NaN counts as 0); writes s'
  // [observation_dim]. `random` feeds noise of the gap and is not touched without one. No
  // allocation. Where the simulation itself diverges, the episode is terminated with reward 0. A
  // caller may go on stepping after either flag.
  virtual StepResult Step(absl::Span<const double> action, Random& random,
                          absl::Span<double> next_observation) = 0;

  // MuJoCo's full state, to start or compare an episode from outside. SetState starts a training
  // episode with the gap's numbers as they are, and what it observes has no noise. INVALID_ARGUMENT
  // names a size that differs from the model's.
  virtual std::vector<double> Qpos() const = 0;
  virtual std::vector<double> Qvel() const = 0;
  virtual absl::Status SetState(absl::Span<const double> qpos, absl::Span<const double> qvel,
                                absl::Span<double> observation) = 0;

  // The number of each edit of the gap that is in force: the label of the episode's rows. Empty
  // without a gap.
  virtual absl::Span<const float> gap() const { return {}; }

  // Figures of the episode so far that the task wants reported: "max_abs_x" (m), "mean_speed"
  // (m/s).
  virtual std::map<std::string, double> EpisodeFigures() const = 0;
};

struct WorldOptions {
  std::string task;
  Dynamics dynamics = Dynamics::kSim;
  // Edits of the simulator, on top of the task's own difference from reality; ignored with kReal.
  v1::Gap gap = {};
  // What edits that are drawn once for an actor are drawn from.
  uint64_t gap_seed = 0;
};

// NOT_FOUND names the tasks there are; INVALID_ARGUMENT a gap that does not fit the model.
absl::StatusOr<std::unique_ptr<World>> MakeWorld(const WorldOptions& options);
// Worlds that share one simulator, so that stepping them in turn touches little memory. All of them
// belong to one thread.
absl::StatusOr<std::vector<std::unique_ptr<World>>> MakeWorlds(const WorldOptions& options,
                                                               int count);
absl::StatusOr<TaskSpec> FindTask(const std::string& task);
std::vector<std::string> TaskNames();

}  // namespace estuary::worlds
