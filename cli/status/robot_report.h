// What a bridge says of itself and its robot, as text for people.
#pragma once

#include <string>

#include "estuary/v1/robot.pb.h"

namespace estuary::cli {

std::string FormatRobot(const v1::RobotStatus& status);

}  // namespace estuary::cli
