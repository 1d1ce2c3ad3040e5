// Whose hand steers a robot: a person with a keyboard or a gamepad, or a script in his place. It is
// asked for an action each time the robot has been seen anew.
//
// Used by one thread.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "worlds/world.h"

namespace estuary::cli {

// What a person says besides where to go. Each is true once and then taken back.
struct HandWishes {
  // Arm the robot again after it fell or was stopped.
  bool arm = false;
  // Cut the episode here.
  bool new_episode = false;
  // Motors off, now.
  bool stop = false;
  bool quit = false;
};

class Hand {
 public:
  virtual ~Hand() = default;

  // The robot begins anew from somewhere.
  virtual void StartEpisode() = 0;
  // An action in [-1, 1] for what is seen now.
  virtual void Act(absl::Span<const float> observation, absl::Span<float> action) = 0;
  virtual HandWishes Wishes() { return {}; }

  // "scripted", "keyboard", "gamepad 'Name'".
  virtual std::string name() const = 0;
  // How a person steers, one line; empty where none does.
  virtual std::string help() const { return ""; }
};

struct HandOptions {
  // "scripted", "keyboard" or "gamepad".
  std::string kind = "scripted";
  // Of a gamepad; empty: the first there is.
  std::string device = "";
  // Of a script.
  uint64_t seed = 1;
};

// INVALID_ARGUMENT names the kinds there are; NOT_FOUND: no terminal, no gamepad, or a task that no
// script can steer.
absl::StatusOr<std::unique_ptr<Hand>> MakeHand(const HandOptions& options,
                                               const worlds::TaskSpec& task);

}  // namespace estuary::cli
