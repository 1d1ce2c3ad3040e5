// A robot's own settings (bridge.proto) on top of its task's defaults.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "estuary/v1/bridge.pb.h"
#include "robot_bridge/tasks.h"

namespace estuary::bridge {

// INVALID_ARGUMENT names the field that cannot be, with its value and what it may be.
absl::Status ApplyConfig(const v1::BridgeConfig& config, RobotTask& task);

// Reads and applies a file; errors begin with its path.
absl::Status ApplyConfigFile(const std::string& path, RobotTask& task);

}  // namespace estuary::bridge
