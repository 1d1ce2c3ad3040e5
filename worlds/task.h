// What a folder of worlds/tasks/ provides. The build lists the folders: each, worlds/tasks/<name>/,
// defines
//
//   namespace estuary::worlds::<name> { const Task& GetTask(); }
//
// in its sources, and is then found by name through world.h; nothing else mentions it. Its .xml
// files are built into the library (mjcf.h).
#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "worlds/random.h"
#include "worlds/world.h"

namespace estuary::worlds {

// A stand-in for the person who recorded the task's offline data: a world with real dynamics and a
// controller with habits, one episode after another.
class OperatorSession {
 public:
  virtual ~OperatorSession() = default;

  virtual void Start(Random& random, absl::Span<double> observation) = 0;
  // Writes the action taken and s'. Truncated where the operator ends the episode.
  virtual StepResult Step(Random& random, absl::Span<float> action,
                          absl::Span<double> next_observation) = 0;
};

class Task {
 public:
  virtual ~Task() = default;

  virtual const TaskSpec& spec() const = 0;
  virtual absl::StatusOr<std::vector<std::unique_ptr<World>>> MakeWorlds(
      const WorldOptions& options, int count) const = 0;
  // UNIMPLEMENTED where nobody drives the task.
  virtual absl::StatusOr<std::unique_ptr<OperatorSession>> MakeOperatorSession() const;
};

// NOT_FOUND names the tasks there are.
absl::StatusOr<const Task*> FindTaskByName(const std::string& task);

}  // namespace estuary::worlds
