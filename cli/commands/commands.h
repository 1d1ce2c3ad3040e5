// Every command of `estuary`, in the order that --help lists them. A new one is a file here, which
// defines FooCommand(), and a line in this list.
#pragma once

#include <vector>

#include "cli/command/command.h"

// clang-format off
#define ESTUARY_COMMANDS(X) \
  X(Demo)                   \
  X(Train)                  \
  X(Status)                 \
  X(Evaluate)               \
  X(Drive)                  \
  X(Report)                 \
  X(DatasetGenerate)        \
  X(DatasetDescribe)        \
  X(DatasetImport)          \
  X(DatasetExport)          \
  X(TaskList)               \
  X(TaskReplay)             \
  X(RobotStatus)            \
  X(RobotArm)               \
  X(RobotDisarm)            \
  X(RobotEstop)             \
  X(RobotMode)
// clang-format on

namespace estuary::cli {

#define ESTUARY_DECLARE_COMMAND(name) Command name##Command();
ESTUARY_COMMANDS(ESTUARY_DECLARE_COMMAND)
#undef ESTUARY_DECLARE_COMMAND

std::vector<Command> AllCommands();

}  // namespace estuary::cli
