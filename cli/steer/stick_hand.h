// A person's stick made into a robot's actions. The wheel-legged robot cannot be balanced by hand:
// the stick says where to be (standing) or how fast to go (moving), and a calibrated stabiliser
// does the rest. Other robots get the axes as they are.
#pragma once

#include <memory>

#include "cli/steer/hand.h"
#include "cli/steer/stick.h"

namespace estuary::cli {

std::unique_ptr<Hand> MakeStickHand(const worlds::TaskSpec& task, std::unique_ptr<Stick> stick);

}  // namespace estuary::cli
