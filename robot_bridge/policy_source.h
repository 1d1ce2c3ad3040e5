// A policy version as the loop runs it.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "common/policy/policy.h"
#include "estuary/v1/policy.pb.h"
#include "robot_bridge/loop/action_source.h"
#include "robot_bridge/tasks.h"

namespace estuary::bridge {

// Checks the version (policy.h) and that it is of this task; then makes it ready, its memory
// touched by a first call. Nothing that can go wrong is left to the loop.
absl::StatusOr<std::unique_ptr<ActionSource>> MakeActionSource(const v1::PolicyVersion& version,
                                                               const RobotTask& task);

}  // namespace estuary::bridge
