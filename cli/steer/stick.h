// A person's device: two axes and four buttons, read without waiting.
#pragma once

#include <string>

#include "cli/steer/hand.h"

namespace estuary::cli {

struct StickState {
  // In [-1, 1]: right and forward are positive.
  double sideways = 0;
  double forward = 0;
  HandWishes wishes = {};
};

class Stick {
 public:
  virtual ~Stick() = default;

  // What it says now. A device that is gone lets go of the axes and wishes to quit.
  virtual StickState Read() = 0;
  virtual std::string name() const = 0;
  virtual std::string help() const = 0;
};

}  // namespace estuary::cli
